"""The stems and stages of residual nets as data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from torch import nn

from nets.downsampling import ANTIALIASES, Antialias
from nets.layers import activation
from nets.norms import NormSpec
from nets.options import OneOf
from nets.residual import UnitName, convolutions


@dataclass(frozen=True)
class Stem:
    """The convolutions before the first stage, and whether 3x3 max pooling with stride 2 follows.

    convs: kernel, stride, and share of the stem's width, one row per convolution.
    """

    convs: tuple[tuple[int, int, float], ...]
    pool: bool


STEMS: dict[str, Stem] = {
    "conv3x3": Stem(((3, 1, 1.0),), pool=False),  # He et al. 2015, section 4.2
    "conv7x7_pool": Stem(((7, 2, 1.0),), pool=True),  # Table 1
    # He et al. 2019 (1812.01187), Figure 2(b): ResNet-C and -D
    "deep_pool": Stem(((3, 2, 0.5), (3, 1, 0.5), (3, 1, 1.0)), pool=True),
}
StemName = Annotated[str, OneOf(STEMS)]


@dataclass(frozen=True)
class ResNetLayout:
    """A net's stem, stage widths, and either its depth (units shared evenly) or its units, stage by stage."""

    stem: StemName
    widths: tuple[int, ...]
    depth: int
    units: tuple[int, ...] | None = None

    def units_per_stage(self, unit: UnitName) -> tuple[int, ...]:
        """(depth - 2) / stages / convolutions per unit: 6n+2 for basic, 9n+2 for bottleneck, 3n+2 for single."""
        if self.units is not None:
            return self.units
        convs = len(convolutions(unit, 1, 1))
        n, rest = divmod(self.depth - 2, len(self.widths) * convs)
        if rest:
            raise ValueError(f"depth {self.depth} is not {len(self.widths) * convs}n+2, as {unit} units need")
        return (n,) * len(self.widths)

    def with_stem(self, stem: StemName | None) -> ResNetLayout:
        return self if stem is None else replace(self, stem=stem)


def cifar_layout(depth: int) -> ResNetLayout:
    """A 3x3 stem and three stages of 16, 32, 64 on maps of 32, 16, 8."""
    return ResNetLayout("conv3x3", (16, 32, 64), depth)


def imagenet_layout(depth: int, *units: int) -> ResNetLayout:
    """A 7x7 stem with max pooling and four stages of 64, 128, 256, 512 on maps of 56, 28, 14, 7."""
    return ResNetLayout("conv7x7_pool", (64, 128, 256, 512), depth, units)


def make_stem(
    stem: Stem, in_channels: int, channels: int, norm: NormSpec, act: str, antialias: Antialias
) -> tuple[nn.Module, nn.Module, nn.Module, nn.Module]:
    """Convolution, norm, activation and pooling; several convolutions are one nn.Sequential, with norms between."""
    layers: list[nn.Module] = []
    for kernel, stride, share in stem.convs:
        if layers:
            layers += [norm.layer(in_channels), activation(act)]
        out = int(channels * share)
        bias = not norm.normalises
        layers.append(nn.Conv2d(in_channels, out, kernel, stride, kernel // 2, bias=bias))
        in_channels = out
    conv = layers[0] if len(layers) == 1 else nn.Sequential(*layers)
    return conv, norm.layer(channels), activation(act), _pool(stem, channels, antialias)


def _pool(stem: Stem, channels: int, antialias: Antialias) -> nn.Module:
    if not stem.pool:
        return nn.Identity()
    if (blur := ANTIALIASES[antialias]) is None:
        return nn.MaxPool2d(3, 2, 1)
    return nn.Sequential(nn.MaxPool2d(3, 1, 1), blur(channels, 2))
