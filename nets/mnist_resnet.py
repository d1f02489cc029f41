"""The lectures' residual net for MNIST (Liu Er, "PyTorch Deep Learning Practice", lecture 11)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from nets.layers import Activation, FixedMap
from nets.layers import activation as make_activation
from nets.residual import ORDERS, ResidualUnit, convolutions
from nets.shortcuts import ShortcutSpec

MIN_SIZE = 16


class MnistResNet(nn.Module):
    """logits = fc(head(unit2(pool(act(conv2(unit1(pool(act(conv1(x)))))))))), 5x5 convolutions without padding.

    With `norm`, BN stands behind conv1 and conv2 too. `head` is the order's lead, one activation behind the last
    sum; unit1, whose input is activated already, has no lead of its own (He et al. 2016, appendix). So the orders
    have as many layers; unit2's lead is 16 channels wider than the BN that it stands for.
    """

    init = "torch"

    def __init__(
        self, num_classes: int, in_channels: int, padding: int, order: str, norm: bool, activation: str
    ) -> None:
        super().__init__()
        self.pad = nn.ZeroPad2d(padding)
        for i, (read, width) in enumerate(((in_channels, 16), (16, 32)), start=1):
            self.add_module(f"conv{i}", nn.Conv2d(read, width, 5, bias=not norm))
            self.add_module(f"bn{i}", nn.BatchNorm2d(width) if norm else nn.Identity())
            self.add_module(f"act{i}", make_activation(activation))
            self.add_module(f"pool{i}", nn.MaxPool2d(2))
            lead = "none" if i == 1 else "branch"
            unit = ResidualUnit(
                width, convolutions("basic", width, 1), ORDERS[order], ShortcutSpec(), lead, activation, norm
            )
            self.add_module(f"unit{i}", unit)
        lead = ORDERS[order].lead if norm else ORDERS[order].lead.replace("b", "")
        self.head = nn.Sequential(
            *(nn.BatchNorm2d(32) if step == "b" else make_activation(activation) for step in lead)
        )
        self.resize = FixedMap(4)
        self.fc = nn.Linear(32 * 4 * 4, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pad(x)
        if min(x.shape[2:]) < MIN_SIZE:
            size = f"{x.shape[2]}x{x.shape[3]}"
            raise ValueError(f"this net needs {MIN_SIZE}x{MIN_SIZE} pixels or more, padding included, got {size}")
        x = self.unit1(self.pool1(self.act1(self.bn1(self.conv1(x)))))
        x = self.unit2(self.pool2(self.act2(self.bn2(self.conv2(x)))))
        return self.fc(self.resize(self.head(x)).flatten(1))


def mnist_resnet(
    *,
    num_classes: int = 10,
    in_channels: int = 1,
    padding: int = 0,
    order: Literal["original", "full_preact"] = "original",
    norm: bool = False,
    activation: Activation = "relu",
) -> MnistResNet:
    """The lectures' net for 28x28 pixels, at least 16x16; 41,514 parameters.

    padding: zeros about the image, in pixels. order: of the units, see nets.residual; the lectures' is the
    original, relu(x + conv(relu(conv(x)))). norm: BN behind every convolution, which then has no bias; the
    lectures have none.
    Other sizes of image are brought to 4x4 maps ahead of fc.
    """
    return MnistResNet(num_classes, in_channels, padding, order, norm, activation)


NETS = {"mnist_resnet": mnist_resnet}
