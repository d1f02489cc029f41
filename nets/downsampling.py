"""How the shortcut of a residual unit changes its size, and the low-pass filter of anti-aliased nets."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import nn

from nets.norms import BATCH_NORM, NormSpec
from nets.options import OneOf


@dataclass(frozen=True)
class Geometry:
    """Channels in and out and stride of a unit, the net's normalisation, and whether projections are normalised."""

    in_channels: int
    out_channels: int
    stride: int
    projection_bn: bool
    norm: NormSpec = BATCH_NORM

    @property
    def changes_size(self) -> bool:
        return self.stride != 1 or self.in_channels != self.out_channels

    def conv1x1(self, normalised: bool, *, bias: bool = False) -> nn.Sequential:
        """A 1x1 convolution from x to the branch's size, with or without normalisation."""
        return self._projection(OrderedDict(), self.stride, normalised, bias)

    def pooled_projection(self, pool: nn.Module) -> nn.Sequential:
        """`pool` where the stride is not 1, then a 1x1 convolution without stride."""
        layers = OrderedDict(pool=pool) if self.stride != 1 else OrderedDict()
        return self._projection(layers, 1, self.projection_bn)

    def _projection(
        self, layers: OrderedDict[str, nn.Module], stride: int, normalised: bool, bias: bool = False
    ) -> nn.Sequential:
        layers["conv"] = nn.Conv2d(self.in_channels, self.out_channels, 1, stride, bias=bias)
        if normalised and self.norm.normalises:
            layers["bn"] = self.norm.layer(self.out_channels)
        return nn.Sequential(layers)


class ZeroPad(nn.Module):
    """R(x) = every stride-th row and column of x, zero channels appended: option A, no parameters.

    (N, C, H, W) -> (N, out_channels, H / stride, W / stride). The zeros follow the channels of x, as in
    fb.resnet.torch (other codes pad both sides).
    """

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.stride = geometry.stride
        self.zeros = geometry.out_channels - geometry.in_channels
        if self.zeros < 0:
            raise ValueError("downsample A cannot reduce the number of channels; use B or C")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.zeros))


class BlurPool(nn.Module):
    """y = every stride-th row and column of [1, 2, 1]^T [1, 2, 1] / 16 * x, borders reflected.

    (N, C, H, W) -> (N, C, ceil(H / stride), ceil(W / stride)), at least 2x2 pixels. Zhang 2019, "Making
    Convolutional Networks Shift-Invariant Again" (1904.11486), section 3.2, with the 3x3 filter.
    """

    kernel: torch.Tensor

    def __init__(self, channels: int, stride: int = 2) -> None:
        super().__init__()
        self.channels, self.stride = channels, stride
        taps = torch.tensor([1.0, 2.0, 1.0])
        kernel = (taps[:, None] * taps / 16).expand(channels, 1, 3, 3).contiguous()
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # Not F.pad(mode="reflect"), whose backward pass is not deterministic on CUDA.
        x = torch.cat((x[:, :, 1:2], x, x[:, :, -2:-1]), 2)
        x = torch.cat((x[..., 1:2], x, x[..., -2:-1]), 3)
        return F.conv2d(x, self.kernel, stride=self.stride, groups=self.channels)


def _projection(geometry: Geometry) -> nn.Module:
    return geometry.conv1x1(normalised=geometry.projection_bn)


# Units that keep their size have no projection, except under C.
DOWNSAMPLES: dict[str, Callable[[Geometry], nn.Module]] = {
    "A": ZeroPad,  # He et al. 2015, section 3.3: zero channels
    "B": _projection,  # a 1x1 convolution with the unit's stride
    "C": _projection,  # the same, in every unit
    "D": lambda unit: unit.pooled_projection(  # He et al. 2019 (1812.01187), Figure 2(c): ResNet-D
        nn.AvgPool2d(unit.stride, ceil_mode=True, count_include_pad=False)
    ),
    "blur": lambda unit: unit.pooled_projection(BlurPool(unit.in_channels, unit.stride)),  # Zhang 2019
}
Downsample = Annotated[str, OneOf(DOWNSAMPLES)]

# What follows a convolution that loses its stride to a low-pass filter; None: the convolution keeps it.
ANTIALIASES: dict[str, Callable[[int, int], nn.Module] | None] = {"none": None, "blur": BlurPool}
Antialias = Annotated[str, OneOf(ANTIALIASES)]


def make_resize(geometry: Geometry, downsample: Downsample) -> nn.Module:
    """R(x): x in the size of the unit's branch."""
    if geometry.changes_size or downsample == "C":
        return DOWNSAMPLES[downsample](geometry)
    return nn.Identity()
