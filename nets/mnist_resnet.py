"""The lectures' residual net for MNIST (Liu Er, "PyTorch Deep Learning Practice", lecture 11)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from nets.layers import Activation, AdaptiveAvgPool
from nets.layers import activation as make_activation
from nets.norms import NormName, NormSpec
from nets.options import Count, CountOrZero
from nets.residual import ORDERS, Lead, ResidualUnit, convolutions
from nets.shortcuts import ShortcutSpec

MIN_SIZE = 16


class MnistResNet(nn.Module):
    """logits = fc(head(unit2(pool(act(conv2(unit1(pool(act(conv1(x)))))))))), 5x5 convolutions without padding.

    With normalisation, conv1 and conv2 are normalised too. `head` is the order's lead, one activation after the last
    sum; unit1, whose input is activated already, has no lead of its own (He et al. 2016, appendix). So both orders
    have equally many layers; the lead of unit2 is 16 channels wider than the BN it replaces.
    """

    init = "torch"

    def __init__(
        self, num_classes: int, in_channels: int, padding: int, order: str, norm: NormSpec, activation: str
    ) -> None:
        super().__init__()
        self.pad = nn.ZeroPad2d(padding)
        self.conv1, self.bn1, self.act1, self.pool1 = _layers(in_channels, 16, activation, norm)
        self.unit1 = _unit(16, order, "none", activation, norm)
        self.conv2, self.bn2, self.act2, self.pool2 = _layers(16, 32, activation, norm)
        self.unit2 = _unit(32, order, "branch", activation, norm)
        lead = ORDERS[order].lead if norm.normalises else ORDERS[order].lead.replace("b", "")
        self.head = nn.Sequential(*(norm.layer(32) if step == "b" else make_activation(activation) for step in lead))
        self.resize = AdaptiveAvgPool(4)
        self.fc = nn.Linear(32 * 4 * 4, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pad(x)
        if min(x.shape[2:]) < MIN_SIZE:
            size = f"{x.shape[2]}x{x.shape[3]}"
            raise ValueError(f"this net needs {MIN_SIZE}x{MIN_SIZE} pixels or more, padding included, got {size}")
        x = self.unit1(self.pool1(self.act1(self.bn1(self.conv1(x)))))
        x = self.unit2(self.pool2(self.act2(self.bn2(self.conv2(x)))))
        return self.fc(self.resize(self.head(x)).flatten(1))


def _layers(in_channels: int, width: int, act: str, norm: NormSpec) -> tuple[nn.Module, ...]:
    conv = nn.Conv2d(in_channels, width, 5, bias=not norm.normalises)
    return conv, norm.layer(width), make_activation(act), nn.MaxPool2d(2)


def _unit(width: int, order: str, lead: Lead, act: str, norm: NormSpec) -> ResidualUnit:
    return ResidualUnit(width, convolutions("basic", width, 1), ORDERS[order], ShortcutSpec(), lead, act, norm)


def mnist_resnet(
    *,
    num_classes: Count = 10,
    in_channels: Count = 1,
    padding: CountOrZero = 0,
    order: Literal["original", "full_preact"] = "original",
    norm: bool | NormName = False,
    activation: Activation = "relu",
    norm_groups: Count = 32,
) -> MnistResNet:
    """The lectures' net for 28x28 pixels, at least 16x16; 41,514 parameters.

    padding: zeros around the image, in pixels. order: of the units, see nets.residual; the lectures' is the original,
    relu(x + conv(relu(conv(x)))). norm: a normalisation after every convolution, which then has no bias; True is
    "batch"; False, as in the lectures, is "none". norm_groups: see NormSpec.
    Images of other sizes give maps that are pooled to 4x4 before fc.
    """
    name = norm if isinstance(norm, str) else "batch" if norm else "none"
    return MnistResNet(num_classes, in_channels, padding, order, NormSpec(name, norm_groups), activation)


NETS = {"mnist_resnet": mnist_resnet}
