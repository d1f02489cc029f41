"""The layers before the Inception modules of GoogLeNet (1409.4842) and BN-Inception (1502.03167)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import torch
from torch import nn

from nets.inception.modules import Conv, ConvNorm, Stage, Style
from nets.layers import local_response_norm
from nets.options import OneOf


class SeparableConvNorm(nn.Module):
    """y = act(bn(pointwise(depthwise(x)))): `multiplier` filters per channel, then 1x1 ("separable convolution")."""

    def __init__(self, in_channels: int, conv: Conv, style: Style, multiplier: int = 8) -> None:
        super().__init__()
        depthwise = in_channels * multiplier
        height, width = conv.kernel_size
        padding = (height // 2, width // 2)
        self.depthwise = nn.Conv2d(
            in_channels, depthwise, (height, width), conv.stride, padding, groups=in_channels, bias=False
        )
        self.pointwise = ConvNorm(depthwise, replace(conv, kernel=1, stride=1), style)
        self.out_channels = conv.channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pointwise(self.depthwise(x))


FIRST_CONVS: dict[str, type[ConvNorm] | type[SeparableConvNorm]] = {"dense": ConvNorm, "separable": SeparableConvNorm}
FirstConv = Annotated[str, OneOf(FIRST_CONVS)]


class Stem(Stage):
    """y = pool2(norm2(conv3(conv2(norm1(pool1(conv1(x))))))): 7x7 to 64, 1x1 to 64, 3x3 to 192 channels.

    Images of 224x224 become maps of 28x28. norm1 and norm2 are LRN if `lrn`, else the identity; norm2 comes before the
    pooling, as in GoogLeNet's Figure 3. The paper does not print its constants; these are BVLC GoogLeNet's: size 5,
    alpha 1e-4 (divided by 5, as in Caffe), beta 0.75, k 1. The poolings are Caffe's too.
    """

    def __init__(self, in_channels: int, style: Style, lrn: bool, first_conv: FirstConv, width: float) -> None:
        super().__init__()
        first, second, third = (_scaled(conv, width) for conv in (Conv(64, 7, 2), Conv(64, 1), Conv(192, 3)))
        self.conv1 = FIRST_CONVS[first_conv](in_channels, first, style)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.norm1 = _lrn(lrn)
        self.conv2 = ConvNorm(first.channels, second, style)
        self.conv3 = ConvNorm(second.channels, third, style)
        self.norm2 = _lrn(lrn)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.out_channels = third.channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm1(self.pool1(self.conv1(x)))
        return self.pool2(self.norm2(self.conv3(self.conv2(x))))


class SmallStem(Stage):
    """y = norm1(conv1(x)), 3x3 to 192 channels without stride, for images of 32x32; norm1 as in Stem."""

    def __init__(self, in_channels: int, style: Style, lrn: bool, first_conv: FirstConv, width: float) -> None:
        super().__init__()
        conv = _scaled(Conv(192, 3), width)
        self.conv1 = FIRST_CONVS[first_conv](in_channels, conv, style)
        self.norm1 = _lrn(lrn)
        self.out_channels = conv.channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm1(self.conv1(x))


def _scaled(conv: Conv, width: float) -> Conv:
    return replace(conv, channels=max(1, int(conv.channels * width)))


def _lrn(wanted: bool) -> nn.Module:
    return local_response_norm(5, 1e-4, 0.75, k=1.0, divide_alpha=True) if wanted else nn.Identity()
