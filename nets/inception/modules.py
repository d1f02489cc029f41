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
    """k x k pooling. `ceil` is Caffe's: no padding, but a last window that may reach over the edge."""

    kind: Literal["avg", "max"]
    stride: int = 1
    valid: bool = False
    kernel: int = 3
    ceil: bool = False


@dataclass(frozen=True, init=False)
class Fork:
    """Branches side by side, their outputs concatenated along the channels.

    None stands for a branch that was taken out; the others keep their names.
    """

    branches: tuple[Branch | None, ...]

    def __init__(self, *branches: Branch | None) -> None:
        object.__setattr__(self, "branches", branches)


@dataclass(frozen=True)
class Residual:
    """A fork whose output is brought back to the input's channels and joins the input; see ResidualMixed."""

    fork: Fork
    scale: float
    adds: bool = True  # False: PlainMixed
    act_after: bool = True


Step = Conv | Pool | Fork | Residual
Branch = tuple[Step, ...]


@dataclass(frozen=True)
class Style:
    """What all layers of a net have in common."""

    activation: str | None = "relu"  # None: linear
    bn_eps: float = 1e-3  # TF-slim, torchvision and timm; the papers do not say
    honour_valid: bool = True  # False: every layer is padded, for small images
    count_padding: bool = False  # average pooling divides by 9 at the border too
    norm: bool = True  # False: convolutions have a bias instead of BN


class ConvNorm(nn.Module):
    """y = act(bn(conv(x))); without `norm`, act(conv(x) + b)."""

    def __init__(self, in_channels: int, conv: Conv, style: Style, norm: bool = True) -> None:
        super().__init__()
        norm = norm and style.norm
        kernel = (conv.kernel, conv.kernel) if isinstance(conv.kernel, int) else conv.kernel
        padding = (0, 0) if conv.valid and style.honour_valid else (kernel[0] // 2, kernel[1] // 2)
        self.out_channels = conv.channels
        self.conv = nn.Conv2d(in_channels, conv.channels, kernel, conv.stride, padding, bias=not norm)
        self.bn = nn.BatchNorm2d(conv.channels, eps=style.bn_eps) if norm else nn.Identity()
        self.act = activation(style.activation) if style.activation else nn.Identity()

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
            if branch is not None:
                self.add_module(f"branch{i}", Chain(in_channels, branch, style))
        self.out_channels = sum(branch.out_channels for branch in self.children())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(x) for branch in self.children()], 1)


class ResidualMixed(nn.Module):
    """y = act(x + s W[branch1(x), branch2(x), ...]), W a 1x1 convolution with bias and no BN ("filter expansion").

    Szegedy et al. 2016, Figures 10-13 and 16-20. Without `act_after`, the sum is not activated.
    """

    def __init__(self, channels: int, row: Residual, style: Style) -> None:
        super().__init__()
        self.out_channels, self.scale = channels, row.scale
        self.mixed = Mixed(channels, row.fork, style)
        self.expand = nn.Conv2d(self.mixed.out_channels, channels, 1)
        self.act = activation(style.activation) if row.act_after else nn.Identity()

    def join(self, x: torch.Tensor, branch: torch.Tensor) -> torch.Tensor:
        return x + self.scale * branch

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.join(x, self.expand(self.mixed(x))))


class PlainMixed(ResidualMixed):
    """y = act(W[branch1(x), branch2(x), ...]): the same layers without the sum, nor the scale that serves it."""

    def join(self, x: torch.Tensor, branch: torch.Tensor) -> torch.Tensor:
        return branch


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


def chains(in_channels: int, rows: dict[str, Branch], style: Style) -> dict[str, Chain]:
    """The stages of a net, each reading what the one before it gives."""
    stages: dict[str, Chain] = {}
    for name, steps in rows.items():
        stages[name] = Chain(in_channels, steps, style)
        in_channels = stages[name].out_channels
    return stages


def scaled(rows: dict[str, Branch], width: float) -> dict[str, Branch]:
    """The rows with `width` times their channels, rounded down, at least 1. Raises ValueError for width <= 0."""
    if width <= 0:
        raise ValueError(f"width must be positive, got {width}")
    return {name: _scaled(steps, width) for name, steps in rows.items()}


def check_blocks(blocks: tuple[int, ...]) -> tuple[int, int, int]:
    """Raises ValueError unless `blocks` is three counts, for stages A, B and C."""
    if len(blocks) != 3 or any(not isinstance(count, int) or count < 0 for count in blocks):
        raise ValueError(f"blocks takes three counts, for stages A, B and C, got {blocks}")
    return blocks


def _scaled(steps: Branch, width: float) -> Branch:
    return tuple(_scaled_step(step, width) for step in steps)


def _scaled_step(step: Step, width: float) -> Step:
    if isinstance(step, Conv):
        return replace(step, channels=max(1, int(step.channels * width)))
    if isinstance(step, Fork):
        return Fork(*(branch and _scaled(branch, width) for branch in step.branches))
    if isinstance(step, Residual):
        return replace(step, fork=_scaled_step(step.fork, width))
    return step


def _layer(in_channels: int, step: Step, style: Style) -> nn.Module:
    if isinstance(step, Conv):
        return ConvNorm(in_channels, step, style)
    if isinstance(step, Fork):
        return Mixed(in_channels, step, style)
    if isinstance(step, Residual):
        return (ResidualMixed if step.adds else PlainMixed)(in_channels, step, style)
    padding = 0 if step.ceil or (step.valid and style.honour_valid) else step.kernel // 2
    if step.kind == "max":
        return nn.MaxPool2d(step.kernel, step.stride, padding, ceil_mode=step.ceil)
    return nn.AvgPool2d(step.kernel, step.stride, padding, step.ceil, style.count_padding)
