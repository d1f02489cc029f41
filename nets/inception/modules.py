"""Inception modules written as rows: what the figures of Szegedy et al. 2015 and 2016 draw, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import nn

from nets.layers import activation
from nets.norms import BATCH_NORM, NormSpec


@dataclass(frozen=True)
class Conv:
    """k x k convolution, BN, activation. `valid` is the figures' "V": no padding."""

    channels: int
    kernel: int | tuple[int, int]  # (height, width)
    stride: int = 1
    valid: bool = False

    @property
    def kernel_size(self) -> tuple[int, int]:
        return (self.kernel, self.kernel) if isinstance(self.kernel, int) else self.kernel


@dataclass(frozen=True)
class Pool:
    """k x k pooling. `ceil` as in Caffe: no padding, but a last window that may reach over the edge."""

    kind: Literal["avg", "max"]
    stride: int = 1
    valid: bool = False
    kernel: int = 3
    ceil: bool = False


@dataclass(frozen=True, init=False)
class Fork:
    """Parallel branches, whose outputs are concatenated along the channels.

    None is a branch that was removed; the others keep their names.
    """

    branches: tuple[Branch | None, ...]

    def __init__(self, *branches: Branch | None) -> None:
        object.__setattr__(self, "branches", branches)


@dataclass(frozen=True)
class Residual:
    """A fork whose output, expanded to the input's channels, is added to the input; see ResidualMixed."""

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
    norm: NormSpec = BATCH_NORM


class ConvNorm(nn.Module):
    """y = act(bn(conv(x))), where bn is the net's normalisation; without, act(conv(x) + b)."""

    def __init__(self, in_channels: int, conv: Conv, style: Style, norm: bool = True) -> None:
        super().__init__()
        norm = norm and style.norm.normalises
        kernel = conv.kernel_size
        padding = (0, 0) if conv.valid and style.honour_valid else (kernel[0] // 2, kernel[1] // 2)
        self.out_channels = conv.channels
        self.conv = nn.Conv2d(in_channels, conv.channels, kernel, conv.stride, padding, bias=not norm)
        self.bn = style.norm.layer(conv.channels, style.bn_eps) if norm else nn.Identity()
        self.act = activation(style.activation) if style.activation else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.bn(self.conv(x)))


class Stage(nn.Module):
    """A part of a net that states the number of its output channels."""

    out_channels: int


class Chain(nn.Sequential, Stage):
    """Steps in sequence; an empty chain returns its input."""

    def __init__(self, in_channels: int, steps: Sequence[Step], style: Style) -> None:
        super().__init__()
        self.out_channels = in_channels
        for step in steps:
            layer = _layer(self.out_channels, step, style)
            self.out_channels = getattr(layer, "out_channels", self.out_channels)
            self.append(layer)


class Mixed(nn.ModuleDict):
    """y = [branch1(x), branch2(x), ...], concatenated along the channels; the branches by name."""

    def __init__(self, in_channels: int, fork: Fork, style: Style) -> None:
        branches = {
            f"branch{i}": Chain(in_channels, branch, style)
            for i, branch in enumerate(fork.branches, start=1)
            if branch is not None
        }
        super().__init__(branches)
        self.out_channels = sum(branch.out_channels for branch in branches.values())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(x) for branch in self.values()], 1)


class ResidualMixed(nn.Module):
    """y = act(x + s W[branch1(x), branch2(x), ...]), W a 1x1 convolution with bias and no BN ("filter expansion").

    Szegedy et al. 2016, Figures 10-13 and 16-20. Without `act_after`, the sum is not activated.
    """

    def __init__(self, channels: int, row: Residual, style: Style) -> None:
        super().__init__()
        self.out_channels, self.scale = channels, row.scale
        self.mixed = Mixed(channels, row.fork, style)
        self.expand = nn.Conv2d(self.mixed.out_channels, channels, 1)
        self.act = activation(style.activation) if row.act_after and style.activation else nn.Identity()

    def join(self, x: torch.Tensor, branch: torch.Tensor) -> torch.Tensor:
        return x + self.scale * branch

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.join(x, self.expand(self.mixed(x))))


class PlainMixed(ResidualMixed):
    """y = act(W[branch1(x), branch2(x), ...]): the same layers without the sum and its scale."""

    def join(self, x: torch.Tensor, branch: torch.Tensor) -> torch.Tensor:
        return branch


class InceptionNet(nn.Module):
    """logits = fc(dropout(mean(stages(stem(x))))).

    Initial weights N(0, 2 / fan-in), biases 0, as in TF-slim's variance scaling (truncated there); the papers give
    none. TF-slim's BN has no gamma; this one has, as in torchvision and timm. BN momentum is PyTorch's 0.1.
    """

    init = "he_fan_in"

    def __init__(self, stages: Mapping[str, Stage], num_classes: int, dropout: float, min_size: int) -> None:
        super().__init__()
        self.stages, self.min_size = tuple(stages), min_size
        for name, stage in stages.items():
            self.add_module(name, stage)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(stages[self.stages[-1]].out_channels, num_classes)

    def features(self, x: torch.Tensor, stages: Sequence[str]) -> torch.Tensor:
        for name in stages:
            x = getattr(self, name)(x)
        return x

    def classify(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.dropout(x.mean((2, 3))))

    def check_size(self, x: torch.Tensor) -> None:
        """Raises ValueError for images so small that some stage would have no pixel."""
        height, width = x.shape[2:]
        if min(height, width) < self.min_size:
            need = f"{self.min_size}x{self.min_size}"
            raise ValueError(f"this net needs images of {need} pixels or more, got {height}x{width}")

    def forward(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor | None, ...]:
        self.check_size(x)
        return self.classify(self.features(x, self.stages))


def chains(in_channels: int, rows: dict[str, Branch], style: Style) -> dict[str, Chain]:
    """The stages of a net, each reading the output of the one before."""
    stages: dict[str, Chain] = {}
    for name, steps in rows.items():
        stages[name] = Chain(in_channels, steps, style)
        in_channels = stages[name].out_channels
    return stages


def scaled(rows: dict[str, Branch], width: float) -> dict[str, Branch]:
    """The rows with `width` times their channels, rounded down, at least 1."""
    return {name: _scaled(steps, width) for name, steps in rows.items()}


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
