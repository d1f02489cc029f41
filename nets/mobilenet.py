"""MobileNet: depthwise separable convolutions (Howard et al. 2017)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import nn

from nets.layers import Activation, activation
from nets.norms import NormSpec
from nets.options import Count, OneOf, Positive, spread


@dataclass(frozen=True)
class Unit:
    """Output channels at width 1, and stride."""

    out_channels: int
    stride: int = 1


# Table 1. It also prints stride 2 for the last depthwise layer, whose input and output are both 7x7: a misprint.
STEM_CHANNELS = 32
BODY = (
    Unit(64), Unit(128, 2), Unit(128), Unit(256, 2), Unit(256), Unit(512, 2),
    Unit(512), Unit(512), Unit(512), Unit(512), Unit(512),
    Unit(1024, 2), Unit(1024),
)  # fmt: skip
SHALLOW_BODY = (*BODY[:6], *BODY[11:])  # section 4.1: without the five 14x14x512 layers

Steps = dict[str, nn.Module]


def depthwise_separable(channels: int, out_channels: int, stride: int, act: str, norm: NormSpec) -> Steps:
    """3x3 depthwise - BN - ReLU - 1x1 pointwise - BN - ReLU (Figure 3, right)."""
    return {
        "conv_dw": nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=not norm.normalises),
        "bn_dw": norm.layer(channels),
        "relu_dw": activation(act),
        "conv_pw": nn.Conv2d(channels, out_channels, 1, bias=not norm.normalises),
        "bn_pw": norm.layer(out_channels),
        "relu_pw": activation(act),
    }


def full(channels: int, out_channels: int, stride: int, act: str, norm: NormSpec) -> Steps:
    """3x3 convolution - BN - ReLU (Figure 3, left): "Conv MobileNet" of Table 4."""
    return {
        "conv": nn.Conv2d(channels, out_channels, 3, stride, 1, bias=not norm.normalises),
        "bn": norm.layer(out_channels),
        "relu": activation(act),
    }


UNITS: dict[str, Callable[[int, int, int, str, NormSpec], Steps]] = {
    "depthwise_separable": depthwise_separable,
    "full": full,
}
Convolution = Annotated[str, OneOf(UNITS)]


class MobileNet(nn.Module):
    """logits = fc(mean(units(stem(x)))), whatever the size of the image.

    The paper does not state the initial weights; here by fan-in, which is nine for a depthwise weight.
    """

    init = "he_fan_in"

    def __init__(
        self,
        body: tuple[Unit, ...],
        convolution: Convolution,
        num_classes: int,
        in_channels: int,
        width: float,
        stem_stride: int,
        act: str,
        norm: NormSpec,
    ) -> None:
        super().__init__()
        channels = _scaled(STEM_CHANNELS, width)
        self.stem = nn.Sequential(OrderedDict(full(in_channels, channels, stem_stride, act, norm)))
        self.units = nn.Sequential()
        for i, unit in enumerate(body, start=1):
            out = _scaled(unit.out_channels, width)
            steps = UNITS[convolution](channels, out, unit.stride, act, norm)
            self.units.add_module(f"unit{i}", nn.Sequential(OrderedDict(steps)))
            channels = out
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.units(self.stem(x)).mean((2, 3)))


def _scaled(channels: int, width: float) -> int:
    """Channels under the width multiplier, at least eight, as in the authors' code."""
    return max(int(channels * width), 8)


@spread
def mobilenet(
    *,
    num_classes: Count = 1000,
    in_channels: Count = 3,
    width: Positive = 1.0,
    convolution: Convolution = "depthwise_separable",
    shallow: bool = False,
    stem_stride: Literal[1, 2] = 2,
    activation: Activation = "relu",
    normalisation: NormSpec,
) -> MobileNet:
    """MobileNet v1. The options are those of NormSpec and:

    width: the width multiplier alpha (Table 6: 1, 0.75, 0.5, 0.25).
    convolution: depthwise separable, or full 3x3 convolutions of the same widths (Table 4).
    shallow: without the five 14x14x512 units (Table 5).
    stem_stride: 1 suits images of 32x32, whose maps are then 32, 16, 8, 4 and 2 pixels wide.
    The resolution multiplier (Table 7) is the size of the images.
    """
    body = SHALLOW_BODY if shallow else BODY
    return MobileNet(body, convolution, num_classes, in_channels, width, stem_stride, activation, normalisation)


NETS = {"mobilenet": mobilenet}
