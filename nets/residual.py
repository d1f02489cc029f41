"""The residual unit y = after(shortcut(x, F(x))), BN and ReLU in any of five orders (He et al. 2016, Figure 4).

A new order is one row of ORDERS; a new shortcut is one class in `nets/shortcuts.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from nets.layers import activation
from nets.shortcuts import Geometry, ShortcutSpec, make_shortcut

OrderName = Literal["original", "bn_after_add", "relu_before_add", "relu_only_preact", "full_preact"]
UnitName = Literal["basic", "bottleneck", "single"]
Lead = Literal["branch", "both", "none"]


@dataclass(frozen=True)
class Order:
    """Where BN (b) and ReLU (r) stand about the convolutions (c) and the sum of a unit."""

    lead: str  # ahead of the first convolution
    between: str  # behind every convolution but the last
    tail: str  # behind the last convolution, ahead of the sum
    after: str  # behind the sum


ORDERS: dict[str, Order] = {
    "original": Order(lead="", between="br", tail="b", after="r"),  # Figure 4(a)
    "bn_after_add": Order(lead="", between="br", tail="", after="br"),  # (b)
    "relu_before_add": Order(lead="", between="br", tail="br", after=""),  # (c)
    "relu_only_preact": Order(lead="r", between="br", tail="b", after=""),  # (d)
    "full_preact": Order(lead="br", between="br", tail="", after=""),  # (e)
}


@dataclass(frozen=True)
class Conv:
    """One k x k convolution of a branch."""

    kernel: int
    out_channels: int
    stride: int = 1


def convolutions(unit: UnitName, width: int, stride: int, bottleneck_stride: str = "1x1") -> tuple[Conv, ...]:
    """The convolutions of a branch: two 3x3 (basic), 1x1 / 3x3 / 1x1 to four times the width, or one 3x3."""
    if unit == "bottleneck":
        first, second = (stride, 1) if bottleneck_stride == "1x1" else (1, stride)
        return Conv(1, width, first), Conv(3, width, second), Conv(1, 4 * width)
    if unit == "basic":
        return Conv(3, width, stride), Conv(3, width)
    return (Conv(3, width, stride),)


class ResidualUnit(nn.Module):
    """y = after(shortcut(a, tail(conv_n(... between(conv_1(b)))))).

    `lead` says who reads lead(x). "branch": a = x, b = lead(x), the usual unit; "both": a = b = lead(x), the
    unit that changes size in a pre-activation net (resnet-pre-act.lua); "none": a = b = x, the first unit,
    whose input is activated already. In orders without a lead the three are the same.
    Layers are named conv1, bn1, relu1, ... in the order of execution of the usual unit, whatever `lead` is.
    Without `norm`, every b is left out and the convolutions have a bias.
    """

    def __init__(
        self,
        in_channels: int,
        convs: tuple[Conv, ...],
        order: Order,
        shortcut: ShortcutSpec,
        lead: Lead = "branch",
        act: str = "relu",
        norm: bool = True,
        projection_bn: bool | None = None,
    ) -> None:
        super().__init__()
        self.channels, self.counts, self.norm, self.act = in_channels, dict.fromkeys("cbr", 0), norm, act
        head = self._add(order.lead, skip=lead == "none")
        body: tuple[str, ...] = ()
        for i, conv in enumerate(convs):
            body += self._add_conv(conv) + self._add(order.tail if i == len(convs) - 1 else order.between)
        self.shared, self.branch = (head, body) if lead == "both" else ((), head + body)
        self.after = self._add(order.after)
        stride = max(conv.stride for conv in convs)
        # A projection is normalised as the branch's last convolution is, unless said otherwise.
        bn = norm and ("b" in order.tail if projection_bn is None else projection_bn)
        self.shortcut = make_shortcut(Geometry(in_channels, self.channels, stride, bn), shortcut)

    def _add_conv(self, conv: Conv) -> tuple[str, ...]:
        self.counts["c"] += 1
        name = f"conv{self.counts['c']}"
        padding = conv.kernel // 2
        layer = nn.Conv2d(self.channels, conv.out_channels, conv.kernel, conv.stride, padding, bias=not self.norm)
        self.add_module(name, layer)
        self.channels = conv.out_channels
        return (name,)

    def _add(self, letters: str, skip: bool = False) -> tuple[str, ...]:
        """Create the norms and activations that `letters` name; return their names."""
        added: tuple[str, ...] = ()
        for letter in letters:
            self.counts[letter] += 1
            if skip or (letter == "b" and not self.norm):
                continue
            name = f"{'bn' if letter == 'b' else 'relu'}{self.counts[letter]}"
            self.add_module(name, nn.BatchNorm2d(self.channels) if letter == "b" else activation(self.act))
            added += (name,)
        return added

    def _run(self, steps: tuple[str, ...], x: torch.Tensor) -> torch.Tensor:
        for step in steps:
            x = getattr(self, step)(x)
        return x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self._run(self.shared, x)
        return self._run(self.after, self.shortcut(x, self._run(self.branch, x)))
