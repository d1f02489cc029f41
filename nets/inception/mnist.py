"""The lectures' Inception net for MNIST (Liu Er, "PyTorch Deep Learning Practice", lecture 11)."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import nn

from nets.inception.modules import Conv, Fork, Mixed, Pool, Style
from nets.layers import Activation, AdaptiveAvgPool
from nets.layers import activation as make_activation
from nets.norms import NormSpec
from nets.options import Count, CountOrZero, OneOf, spread

INCEPTION_A = Fork(  # to 88 channels
    (Conv(16, 1),),
    (Conv(16, 1), Conv(24, 5)),
    (Conv(16, 1), Conv(24, 3), Conv(24, 3)),
    (Pool("avg"), Conv(24, 1)),
)
MIN_SIZE = 16
# The layers of one step of a branch: whether an activation and a normalisation follow the convolution.
BRANCH_LAYERS = {"conv": (False, False), "conv_act": (True, False), "conv_bn_act": (True, True)}


class MnistInception(nn.Module):
    """logits = fc(inception2(act(pool(conv2(inception1(act(pool(conv1(x))))))))), convolutions without padding."""

    init = "torch"

    def __init__(self, num_classes: int, in_channels: int, padding: int, activation: str, style: Style) -> None:
        super().__init__()
        self.pad = nn.ZeroPad2d(padding)
        self.conv1 = nn.Conv2d(in_channels, 10, 5)
        self.pool1 = nn.MaxPool2d(2)
        self.act1 = make_activation(activation)
        self.inception1 = Mixed(10, INCEPTION_A, style)
        self.conv2 = nn.Conv2d(88, 20, 5)
        self.pool2 = nn.MaxPool2d(2)
        self.act2 = make_activation(activation)
        self.inception2 = Mixed(20, INCEPTION_A, style)
        self.resize = AdaptiveAvgPool(4)
        self.fc = nn.Linear(88 * 4 * 4, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pad(x)
        if min(x.shape[2:]) < MIN_SIZE:
            size = f"{x.shape[2]}x{x.shape[3]}"
            raise ValueError(f"this net needs {MIN_SIZE}x{MIN_SIZE} pixels or more, padding included, got {size}")
        x = self.inception1(self.act1(self.pool1(self.conv1(x))))
        x = self.inception2(self.act2(self.pool2(self.conv2(x))))
        return self.fc(self.resize(x).flatten(1))


@spread
def mnist_inception(
    *,
    num_classes: Count = 10,
    in_channels: Count = 1,
    padding: CountOrZero = 0,
    branch_layers: Annotated[str, OneOf(BRANCH_LAYERS)] = "conv",
    activation: Activation = "relu",
    normalisation: NormSpec,
) -> MnistInception:
    """The lectures' net for 28x28 pixels, at least 16x16; 97,298 parameters.

    padding: zeros around the image, in pixels. branch_layers: the layers of one step of a branch; the lectures' modules
    have neither activation nor BN, so every branch is linear. norm, norm_groups: see NormSpec, for conv_bn_act.
    Images of other sizes give maps that are pooled to 4x4 before fc.
    """
    activated, normalised = BRANCH_LAYERS[branch_layers]
    style = Style(
        activation if activated else None, norm=normalisation if normalised else NormSpec("none"), count_padding=True
    )
    return MnistInception(num_classes, in_channels, padding, activation, style)


NETS = {"mnist_inception": mnist_inception}
