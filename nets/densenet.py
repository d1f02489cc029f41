"""DenseNet: every layer reads all maps of its block (Huang et al. 2017), for CIFAR and for ImageNet."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from nets.layers import Activation, activation


@dataclass(frozen=True)
class Plan:
    """The stem, and the depth that a net's name states; `layers` fixes the layers of each block (ImageNet)."""

    depth: int
    imagenet_stem: bool = False  # 7x7, stride 2, BN, ReLU, max pooling; else a bare 3x3
    layers: tuple[int, ...] | None = None

    def layers_per_block(self, bottleneck: bool) -> tuple[int, ...]:
        """(depth - 4) / 3 convolutions in each of three blocks, one or two of them a layer (section 4.2)."""
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

    (N, C, H, W) -> (N, C + k, H, W). Dropout stands behind every convolution, as in the authors' Torch code.
    """

    def __init__(self, channels: int, growth: int, bottleneck: bool, dropout: float, act: str) -> None:
        super().__init__()
        steps: OrderedDict[str, nn.Module] = OrderedDict()
        shapes = ((1, 4 * growth), (3, growth)) if bottleneck else ((3, growth),)
        for i, (kernel, width) in enumerate(shapes, start=1):
            steps[f"bn{i}"] = nn.BatchNorm2d(channels)
            steps[f"relu{i}"] = activation(act)
            steps[f"conv{i}"] = nn.Conv2d(channels, width, kernel, padding=kernel // 2, bias=False)
            steps[f"dropout{i}"] = nn.Dropout(dropout)
            channels = width
        self.branch = nn.Sequential(steps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat((x, self.branch(x)), 1)


def transition(channels: int, out_channels: int, dropout: float, act: str) -> nn.Sequential:
    """BN-ReLU-conv1x1-average pooling: half the size, `out_channels` maps. (The paper's text has no ReLU.)"""
    steps: dict[str, nn.Module] = {
        "bn": nn.BatchNorm2d(channels),
        "relu": activation(act),
        "conv": nn.Conv2d(channels, out_channels, 1, bias=False),
        "dropout": nn.Dropout(dropout),
        "pool": nn.AvgPool2d(2),
    }
    return nn.Sequential(OrderedDict(steps))


def _stem(in_channels: int, width: int, imagenet: bool, act: str) -> nn.Sequential:
    steps: dict[str, nn.Module] = {"conv": nn.Conv2d(in_channels, width, 3, padding=1, bias=False)}
    if imagenet:
        steps = {
            "conv": nn.Conv2d(in_channels, width, 7, 2, 3, bias=False),
            "bn": nn.BatchNorm2d(width),
            "relu": activation(act),
            "pool": nn.MaxPool2d(3, 2, 1),
        }
    return nn.Sequential(OrderedDict(steps))


class DenseNet(nn.Module):
    """logits = fc(mean(relu(bn(blocks(stem(x)))))), with a transition between two blocks."""

    init = "he_fan_out"

    def __init__(
        self,
        plan: Plan,
        num_classes: int,
        in_channels: int,
        growth: int,
        bottleneck: bool,
        compression: float,
        dropout: float,
        stem_width: int,
        act: str,
    ) -> None:
        super().__init__()
        self.stem = _stem(in_channels, stem_width, plan.imagenet_stem, act)
        self.blocks = nn.Sequential()
        channels = stem_width
        layers_per_block = plan.layers_per_block(bottleneck)
        for i, layers in enumerate(layers_per_block, start=1):
            block = nn.Sequential()
            for j in range(1, layers + 1):
                block.add_module(f"layer{j}", DenseLayer(channels, growth, bottleneck, dropout, act))
                channels += growth
            self.blocks.add_module(f"block{i}", block)
            if i < len(layers_per_block):
                out = int(channels * compression)
                self.blocks.add_module(f"transition{i}", transition(channels, out, dropout, act))
                channels = out
        self.bn = nn.BatchNorm2d(channels)
        self.relu = activation(act)
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.relu(self.bn(self.blocks(self.stem(x)))).mean((2, 3)))


def densenet(
    plan: Plan,
    /,
    *,
    num_classes: int = 10,
    in_channels: int = 3,
    growth: int = 12,
    bottleneck: bool = False,
    compression: float = 1.0,
    dropout: float = 0.0,
    stem_width: int | None = None,
    activation: Activation = "relu",
) -> DenseNet:
    """A DenseNet of `plan`. The options, with the paper's symbols:

    growth: maps that a layer adds, k; bottleneck: the B of DenseNet-BC; compression: share of the maps that a
        transition keeps, theta, of which the C is 0.5.
    dropout: probability behind every convolution but the first; the paper has 0.2 on data without augmentation.
    stem_width: maps of the first convolution; None: 2k for DenseNet-BC, otherwise 16.
    """
    if growth < 1:
        raise ValueError(f"growth must be 1 or more, not {growth}")
    if not 0 < compression <= 1:
        raise ValueError(f"compression must be above 0 and at most 1, not {compression}")
    if stem_width is None:
        stem_width = 2 * growth if bottleneck and compression < 1 else 16
    return DenseNet(plan, num_classes, in_channels, growth, bottleneck, compression, dropout, stem_width, activation)


_bc = partial(densenet, bottleneck=True, compression=0.5)


def _imagenet(depth: int, *layers: int) -> partial[DenseNet]:
    return partial(_bc, Plan(depth, imagenet_stem=True, layers=layers), num_classes=1000, growth=32, stem_width=64)


NETS = {
    "densenet40": partial(densenet, Plan(40)),
    "densenet100": partial(densenet, Plan(100)),
    "densenet_bc100": partial(_bc, Plan(100)),
    "densenet_bc190": partial(_bc, Plan(190), growth=40),
    "densenet_bc250": partial(_bc, Plan(250), growth=24),
    "densenet121": _imagenet(121, 6, 12, 24, 16),
    "densenet169": _imagenet(169, 6, 12, 32, 32),
    "densenet201": _imagenet(201, 6, 12, 48, 32),
    "densenet264": _imagenet(264, 6, 12, 64, 48),
}
