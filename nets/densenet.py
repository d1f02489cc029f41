"""DenseNet: every layer reads all earlier maps of its block (Huang et al. 2017), for CIFAR and for ImageNet."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import torch
from torch import nn

from nets.layers import Activation, activation
from nets.norms import NormSpec
from nets.options import Count, Probability, Where, spread

Compression = Annotated[float, Where(lambda value: 0 < value <= 1, "a number above 0 and at most 1")]


@dataclass(frozen=True)
class DenseNetLayout:
    """The stem, and the depth in the net's name; `layers` gives the layers of each block (ImageNet)."""

    depth: int
    imagenet_stem: bool = False  # 7x7, stride 2, BN, ReLU, max pooling; else a bare 3x3
    layers: tuple[int, ...] | None = None

    def layers_per_block(self, bottleneck: bool) -> tuple[int, ...]:
        """(depth - 4) / 3 convolutions in each of three blocks, one or two of them per layer (section 4.2)."""
        if self.layers is not None:
            return self.layers
        convs = 2 if bottleneck else 1
        layers, rest = divmod(self.depth - 4, 3 * convs)
        if rest or layers < 1:
            form = "with" if bottleneck else "without"
            raise ValueError(f"depth {self.depth} is not {3 * convs}n+4, as a DenseNet {form} bottlenecks needs")
        return (layers,) * 3


class DenseLayer(nn.Module):
    """y = [x, H(x)] with H = BN-ReLU-conv3x3(k), or BN-ReLU-conv1x1(4k)-BN-ReLU-conv3x3(k) as a bottleneck.

    (N, C, H, W) -> (N, C + k, H, W). Dropout follows every convolution, as in the authors' Torch code.
    """

    def __init__(self, channels: int, growth: int, bottleneck: bool, dropout: float, act: str, norm: NormSpec) -> None:
        super().__init__()
        steps: OrderedDict[str, nn.Module] = OrderedDict()
        shapes = ((1, 4 * growth), (3, growth)) if bottleneck else ((3, growth),)
        for i, (kernel, width) in enumerate(shapes, start=1):
            steps[f"bn{i}"] = norm.layer(channels)
            steps[f"relu{i}"] = activation(act)
            steps[f"conv{i}"] = nn.Conv2d(channels, width, kernel, padding=kernel // 2, bias=not norm.normalises)
            steps[f"dropout{i}"] = nn.Dropout(dropout)
            channels = width
        self.branch = nn.Sequential(steps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat((x, self.branch(x)), 1)


def transition(channels: int, out_channels: int, dropout: float, act: str, norm: NormSpec) -> nn.Sequential:
    """BN-ReLU-conv1x1-average pooling: half the size, `out_channels` maps. (The paper's text has no ReLU.)"""
    steps: dict[str, nn.Module] = {
        "bn": norm.layer(channels),
        "relu": activation(act),
        "conv": nn.Conv2d(channels, out_channels, 1, bias=not norm.normalises),
        "dropout": nn.Dropout(dropout),
        "pool": nn.AvgPool2d(2),
    }
    return nn.Sequential(OrderedDict(steps))


def _stem(in_channels: int, width: int, imagenet: bool, act: str, norm: NormSpec) -> nn.Sequential:
    bias = not norm.normalises
    steps: dict[str, nn.Module] = {"conv": nn.Conv2d(in_channels, width, 3, padding=1, bias=bias)}
    if imagenet:
        steps = {
            "conv": nn.Conv2d(in_channels, width, 7, 2, 3, bias=bias),
            "bn": norm.layer(width),
            "relu": activation(act),
            "pool": nn.MaxPool2d(3, 2, 1),
        }
    return nn.Sequential(OrderedDict(steps))


class DenseNet(nn.Module):
    """logits = fc(mean(relu(bn(blocks(stem(x)))))), with a transition between every two blocks."""

    init = "he_fan_out"

    def __init__(
        self,
        layout: DenseNetLayout,
        num_classes: int,
        in_channels: int,
        growth: int,
        bottleneck: bool,
        compression: float,
        dropout: float,
        stem_width: int,
        act: str,
        norm: NormSpec,
    ) -> None:
        super().__init__()
        self.stem = _stem(in_channels, stem_width, layout.imagenet_stem, act, norm)
        self.blocks = nn.Sequential()
        channels = stem_width
        layers_per_block = layout.layers_per_block(bottleneck)
        for i, layers in enumerate(layers_per_block, start=1):
            block = nn.Sequential()
            for j in range(1, layers + 1):
                block.add_module(f"layer{j}", DenseLayer(channels, growth, bottleneck, dropout, act, norm))
                channels += growth
            self.blocks.add_module(f"block{i}", block)
            if i < len(layers_per_block):
                out = max(1, int(channels * compression))
                self.blocks.add_module(f"transition{i}", transition(channels, out, dropout, act, norm))
                channels = out
        self.bn = norm.layer(channels)
        self.relu = activation(act)
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.relu(self.bn(self.blocks(self.stem(x)))).mean((2, 3)))


@spread
def densenet(
    layout: DenseNetLayout,
    /,
    *,
    num_classes: Count = 10,
    in_channels: Count = 3,
    growth: Count = 12,
    bottleneck: bool = False,
    compression: Compression = 1.0,
    dropout: Probability = 0.0,
    stem_width: Count | None = None,
    activation: Activation = "relu",
    normalisation: NormSpec,
) -> DenseNet:
    """A DenseNet of `layout`. The options are those of NormSpec and, with the paper's symbols:

    growth: channels that a layer adds, k; bottleneck: the B of DenseNet-BC; compression: share of the channels that a
        transition keeps, theta; the C is 0.5.
    dropout: probability after every convolution but the first; the paper has 0.2 on data without augmentation.
    stem_width: channels of the first convolution; None: 2k for DenseNet-BC, otherwise 16.
    """
    if stem_width is None:
        stem_width = 2 * growth if bottleneck and compression < 1 else 16
    return DenseNet(
        layout, num_classes, in_channels, growth, bottleneck, compression, dropout, stem_width, activation,
        normalisation,
    )  # fmt: skip


_bc = partial(densenet, bottleneck=True, compression=0.5)


def _imagenet(depth: int, *layers: int) -> partial[DenseNet]:
    return partial(
        _bc, DenseNetLayout(depth, imagenet_stem=True, layers=layers), num_classes=1000, growth=32, stem_width=64
    )


NETS = {
    "densenet40": partial(densenet, DenseNetLayout(40)),
    "densenet100": partial(densenet, DenseNetLayout(100)),
    "densenet_bc100": partial(_bc, DenseNetLayout(100)),
    "densenet_bc190": partial(_bc, DenseNetLayout(190), growth=40),
    "densenet_bc250": partial(_bc, DenseNetLayout(250), growth=24),
    "densenet121": _imagenet(121, 6, 12, 24, 16),
    "densenet169": _imagenet(169, 6, 12, 32, 32),
    "densenet201": _imagenet(201, 6, 12, 48, 32),
    "densenet264": _imagenet(264, 6, 12, 64, 48),
}
