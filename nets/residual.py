"""The residual unit y = after(shortcut(x, F(x))), BN and ReLU in any of five orders (He et al. 2016, Figure 4).

A new order is one row of ORDERS, a new kind of branch one row of UNITS; a new shortcut is one class in
nets/shortcuts.py, a new attention layer one in nets/branch.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import nn

from nets.branch import ATTENTIONS, PLAIN_BRANCH, BranchSpec, StochasticDepth
from nets.downsampling import ANTIALIASES, Geometry
from nets.layers import activation
from nets.norms import BATCH_NORM, NormSpec
from nets.options import OneOf
from nets.shortcuts import ShortcutSpec, make_shortcut

Lead = Literal["branch", "both", "none"]


@dataclass(frozen=True)
class Order:
    """Where BN (b) and ReLU (r) are, relative to the convolutions and to the sum of a unit."""

    lead: str  # before the first convolution
    between: str  # after every convolution but the last
    tail: str  # after the last convolution, before the sum
    after: str  # after the sum


ORDERS: dict[str, Order] = {
    "original": Order(lead="", between="br", tail="b", after="r"),  # Figure 4(a)
    "bn_after_add": Order(lead="", between="br", tail="", after="br"),  # (b)
    "relu_before_add": Order(lead="", between="br", tail="br", after=""),  # (c)
    "relu_only_preact": Order(lead="r", between="br", tail="b", after=""),  # (d)
    "full_preact": Order(lead="br", between="br", tail="", after=""),  # (e)
}
OrderName = Annotated[str, OneOf(ORDERS)]


@dataclass(frozen=True)
class Conv:
    """One k x k convolution of a branch."""

    kernel: int
    out_channels: int
    stride: int = 1
    groups: int = 1


def basic(width: int, stride: int, bottleneck_stride: str, branch: BranchSpec) -> tuple[Conv, ...]:
    """Two 3x3 convolutions."""
    _refuse_groups(branch)
    return Conv(3, width, stride), Conv(3, width)


def bottleneck(width: int, stride: int, bottleneck_stride: str, branch: BranchSpec) -> tuple[Conv, ...]:
    """1x1, 3x3, 1x1 to four times the width; the 3x3 may be grouped and wider (see BranchSpec)."""
    inner = max(1, int(width * branch.bottleneck_width))
    if inner % branch.cardinality:
        raise ValueError(
            f"cardinality must divide the {inner} channels of the 3x3 convolution, not {branch.cardinality}"
        )
    first, second = (stride, 1) if bottleneck_stride == "1x1" else (1, stride)
    return Conv(1, inner, first), Conv(3, inner, second, branch.cardinality), Conv(1, 4 * width)


def single(width: int, stride: int, bottleneck_stride: str, branch: BranchSpec) -> tuple[Conv, ...]:
    """One 3x3 convolution."""
    _refuse_groups(branch)
    return (Conv(3, width, stride),)


def _refuse_groups(branch: BranchSpec) -> None:
    if (branch.cardinality, branch.bottleneck_width) != (1, 1):
        raise ValueError("cardinality and bottleneck_width need unit = bottleneck")


UNITS: dict[str, Callable[[int, int, str, BranchSpec], tuple[Conv, ...]]] = {
    "basic": basic,
    "bottleneck": bottleneck,
    "single": single,
}
UnitName = Annotated[str, OneOf(UNITS)]


def convolutions(
    unit: UnitName, width: int, stride: int, bottleneck_stride: str = "1x1", branch: BranchSpec = PLAIN_BRANCH
) -> tuple[Conv, ...]:
    """The convolutions of a branch of `width` channels. Raises ValueError for groups that the unit cannot have."""
    return UNITS[unit](width, stride, bottleneck_stride, branch)


class ResidualUnit(nn.ModuleDict):
    """y = after(shortcut(a, tail(conv_n(... between(conv_1(b)))))).

    `lead` says what reads lead(x). "branch": a = x, b = lead(x), the usual unit; "both": a = b = lead(x), the unit that
    changes size in a pre-activation net (resnet-pre-act.lua); "none": a = b = x, the first unit, whose input is
    activated already. In orders without a lead the three are equal.
    Layers are named conv1, bn1, relu1, ... in the order of execution of the usual unit, whatever `lead` is; the unit is
    an nn.ModuleDict and runs them by name. Without normalisation every b is left out and the convolutions have a bias.
    `drop` is the probability of stochastic depth for this unit.
    """

    def __init__(
        self,
        in_channels: int,
        convs: tuple[Conv, ...],
        order: Order,
        shortcut: ShortcutSpec,
        lead: Lead = "branch",
        act: str = "relu",
        norm: NormSpec = BATCH_NORM,
        projection_bn: bool | None = None,
        branch: BranchSpec = PLAIN_BRANCH,
        drop: float = 0.0,
    ) -> None:
        super().__init__()
        self.channels, self.counts, self.norm, self.act = in_channels, dict.fromkeys("cbr", 0), norm, act
        blur = ANTIALIASES[branch.antialias]
        head = self._add(order.lead, skip=lead == "none")
        body: tuple[str, ...] = ()
        for i, conv in enumerate(convs):
            blurred = blur is not None and conv.stride > 1
            body += self._add_conv(conv, 1 if blurred else conv.stride)
            body += self._add(order.tail if i == len(convs) - 1 else order.between)
            if blur is not None and blurred:
                body += self._set(f"blur{i + 1}", blur(self.channels, conv.stride))
        if (attention := ATTENTIONS[branch.attention]) is not None:
            body += self._set("attention", attention(self.channels, branch.attention_reduction))
        if drop:
            body += self._set("drop", StochasticDepth(drop))
        self.shared, self.branch = (head, body) if lead == "both" else ((), head + body)
        self.after = self._add(order.after)
        stride = max(conv.stride for conv in convs)
        # A projection is normalised if the branch's last convolution is, unless the option says otherwise.
        bn = "b" in order.tail if projection_bn is None else projection_bn
        self["shortcut"] = make_shortcut(Geometry(in_channels, self.channels, stride, bn, norm), shortcut)

    def _set(self, name: str, layer: nn.Module) -> tuple[str, ...]:
        self[name] = layer
        return (name,)

    def _add_conv(self, conv: Conv, stride: int) -> tuple[str, ...]:
        self.counts["c"] += 1
        padding, bias = conv.kernel // 2, not self.norm.normalises
        layer = nn.Conv2d(self.channels, conv.out_channels, conv.kernel, stride, padding, groups=conv.groups, bias=bias)
        self.channels = conv.out_channels
        return self._set(f"conv{self.counts['c']}", layer)

    def _add(self, letters: str, skip: bool = False) -> tuple[str, ...]:
        """Create the norms and activations that `letters` name; return their names."""
        added: tuple[str, ...] = ()
        for letter in letters:
            self.counts[letter] += 1
            if skip or (letter == "b" and not self.norm.normalises):
                continue
            name = f"{'bn' if letter == 'b' else 'relu'}{self.counts[letter]}"
            added += self._set(name, self.norm.layer(self.channels) if letter == "b" else activation(self.act))
        return added

    def _run(self, steps: tuple[str, ...], x: torch.Tensor) -> torch.Tensor:
        for step in steps:
            x = self[step](x)
        return x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self._run(self.shared, x)
        return self._run(self.after, self["shortcut"](x, self._run(self.branch, x)))
