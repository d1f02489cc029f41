"""Inception modules written as rows: what the figures of Szegedy et al. 2015 and 2016 draw, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import nn

from nets.layers import activation


@dataclass(frozen=True)
class Conv:
    """k x k convolution, BN, activation. `valid` is the figures' "V": no padding."""

    channels: int
    kernel: int | tuple[int, int]  # (height, width)
    stride: int = 1
    valid: bool = False


@dataclass(frozen=True)
class Pool:
    """3x3 pooling."""

    kind: Literal["avg", "max"]
    stride: int = 1
    valid: bool = False


@dataclass(frozen=True, init=False)
class Fork:
    """Branches side by side, their outputs concatenated along the channels."""

    branches: tuple[Branch, ...]

    def __init__(self, *branches: Branch) -> None:
        object.__setattr__(self, "branches", branches)


Step = Conv | Pool | Fork
Branch = tuple[Step, ...]


@dataclass(frozen=True)
class Style:
    """What all layers of a net have in common."""

    activation: str = "relu"
    bn_eps: float = 1e-3  # TF-slim, torchvision and timm; the papers do not say
    honour_valid: bool = True  # False: every layer is padded, for small images
    count_padding: bool = False  # average pooling divides by 9 at the border too


class ConvNorm(nn.Module):
    """y = act(bn(conv(x))); without `norm`, act(conv(x) + b)."""

    def __init__(self, in_channels: int, conv: Conv, style: Style, norm: bool = True) -> None:
        super().__init__()
        kernel = (conv.kernel, conv.kernel) if isinstance(conv.kernel, int) else conv.kernel
        padding = (0, 0) if conv.valid and style.honour_valid else (kernel[0] // 2, kernel[1] // 2)
        self.out_channels = conv.channels
        self.conv = nn.Conv2d(in_channels, conv.channels, kernel, conv.stride, padding, bias=not norm)
        self.bn = nn.BatchNorm2d(conv.channels, eps=style.bn_eps) if norm else nn.Identity()
        self.act = activation(style.activation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.bn(self.conv(x)))


class Chain(nn.Sequential):
    """Steps one after another; an empty chain passes its input on."""

    def __init__(self, in_channels: int, steps: Sequence[Step], style: Style) -> None:
        super().__init__()
        self.out_channels = in_channels
        for step in steps:
            layer = _layer(self.out_channels, step, style)
            self.out_channels = getattr(layer, "out_channels", self.out_channels)
            self.append(layer)


class Mixed(nn.Module):
    """y = [branch1(x), branch2(x), ...], concatenated along the channels."""

    def __init__(self, in_channels: int, fork: Fork, style: Style) -> None:
        super().__init__()
        for i, branch in enumerate(fork.branches, start=1):
            self.add_module(f"branch{i}", Chain(in_channels, branch, style))
        self.out_channels = sum(branch.out_channels for branch in self.children())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(x) for branch in self.children()], 1)


class ResidualMixed(nn.Module):
    """y = act(x + s W[branch1(x), branch2(x), ...]), W a 1x1 convolution with bias and no BN ("filter expansion").

    Szegedy et al. 2016, Figures 10-13, 16-20. Without `residual`, y = act(W[...]), with all else the same:
    the scale s exists for the sum and goes with it. Without `act_after`, y is not activated.
    """

    def __init__(
        self, channels: int, fork: Fork, style: Style, scale: float, residual: bool = True, act_after: bool = True
    ) -> None:
        super().__init__()
        self.out_channels, self.scale, self.residual = channels, scale, residual
        self.mixed = Mixed(channels, fork, style)
        self.expand = nn.Conv2d(self.mixed.out_channels, channels, 1)
        self.act = activation(style.activation) if act_after else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branch = self.expand(self.mixed(x))
        return self.act(x + self.scale * branch if self.residual else branch)


class InceptionNet(nn.Module):
    """logits = fc(dropout(mean(stages(stem(x))))).

    Init: N(0, 2 / fan-in), zero biases, as TF-slim's variance scaling (there truncated); the papers do not say.
    TF-slim's BN has no gamma; here it has, as in torchvision and timm. BN momentum is PyTorch's 0.1.
    """

    init = "he_fan_in"

    def __init__(self, stages: dict[str, nn.Module], num_classes: int, dropout: float, min_size: int) -> None:
        super().__init__()
        self.stages, self.min_size = tuple(stages), min_size
        for name, stage in stages.items():
            self.add_module(name, stage)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(stage.out_channels, num_classes)

    def features(self, x: torch.Tensor, stages: Sequence[str]) -> torch.Tensor:
        for name in stages:
            x = getattr(self, name)(x)
        return x

    def classify(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.dropout(x.mean((2, 3))))

    def check_size(self, x: torch.Tensor) -> None:
        """Raises ValueError for images that would leave a stage without a single pixel."""
        height, width = x.shape[2:]
        if min(height, width) < self.min_size:
            need = f"{self.min_size}x{self.min_size}"
            raise ValueError(f"this net needs images of {need} pixels or more, got {height}x{width}")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.check_size(x)
        return self.classify(self.features(x, self.stages))


def scaled[T: (Conv, Pool, Fork)](step: T, width: float) -> T:
    """The step with `width` times its channels, rounded down, at least 1."""
    if isinstance(step, Conv):
        return replace(step, channels=max(1, int(step.channels * width)))
    if isinstance(step, Fork):
        return Fork(*(tuple(scaled(inner, width) for inner in branch) for branch in step.branches))
    return step


def _layer(in_channels: int, step: Step, style: Style) -> nn.Module:
    if isinstance(step, Conv):
        return ConvNorm(in_channels, step, style)
    if isinstance(step, Fork):
        return Mixed(in_channels, step, style)
    padding = 0 if step.valid and style.honour_valid else 1
    if step.kind == "max":
        return nn.MaxPool2d(3, step.stride, padding)
    return nn.AvgPool2d(3, step.stride, padding, count_include_pad=style.count_padding)
