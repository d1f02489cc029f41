"""Nets stacked from residual units: CIFAR (He et al. 2015, section 4.2; 2016) and ImageNet (2015, Table 1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import nn

from nets.layers import Activation, activation
from nets.residual import ORDERS, OrderName, ResidualUnit, UnitName, convolutions
from nets.shortcuts import Downsample, ShortcutName, ShortcutSpec


@dataclass(frozen=True)
class Plan:
    """A net's stem, stage widths, and either its depth (units shared evenly) or its units, stage by stage."""

    stem: Literal["conv3x3", "conv7x7_pool"]
    widths: tuple[int, ...]
    depth: int
    units: tuple[int, ...] | None = None

    def units_per_stage(self, unit: UnitName) -> tuple[int, ...]:
        """(depth - 2) / stages / convolutions a unit: 6n+2 for basic, 9n+2 for bottleneck, 3n+2 for single."""
        if self.units is not None:
            return self.units
        convs = len(convolutions(unit, 1, 1))
        n, rest = divmod(self.depth - 2, len(self.widths) * convs)
        if rest:
            raise ValueError(f"depth {self.depth} is not {len(self.widths) * convs}n+2, as {unit} units need")
        return (n,) * len(self.widths)


def cifar_plan(depth: int) -> Plan:
    """A 3x3 stem and three stages of 16, 32, 64 on maps of 32, 16, 8."""
    return Plan("conv3x3", (16, 32, 64), depth)


def imagenet_plan(depth: int, *units: int) -> Plan:
    """A 7x7 stem with max pooling and four stages of 64, 128, 256, 512 on maps of 56, 28, 14, 7."""
    return Plan("conv7x7_pool", (64, 128, 256, 512), depth, units)


class ResNet(nn.Module):
    """logits = fc(mean(head(stages(stem(x))))), with head the order's lead: one activation behind the last sum.

    The stem is convolution, BN, ReLU in every order, and the first unit has no lead of its own: for the two
    pre-activation orders that is the paper's first unit, activated ahead of the split (appendix of He et al.
    2016). A later unit that changes size shares its lead between branch and shortcut, as in resnet-pre-act.lua.
    """

    init = "he_fan_out"

    def __init__(
        self,
        plan: Plan,
        unit: UnitName,
        order: OrderName,
        shortcut: ShortcutSpec,
        num_classes: int,
        in_channels: int,
        bottleneck_stride: str,
        preact_shortcuts: str,
        projection_bn: bool | None,
        width: float,
        act: str,
    ) -> None:
        super().__init__()
        channels = plan.widths[0]
        small = plan.stem == "conv3x3"
        kernel, stride, padding = (3, 1, 1) if small else (7, 2, 3)
        self.conv1 = nn.Conv2d(in_channels, channels, kernel, stride, padding, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = activation(act)
        self.pool = nn.Identity() if small else nn.MaxPool2d(3, 2, 1)
        for i, units in enumerate(plan.units_per_stage(unit)):
            stage = nn.Sequential()
            for j in range(units):
                stride = 2 if i > 0 and j == 0 else 1
                convs = convolutions(unit, int(plan.widths[i] * width), stride, bottleneck_stride)
                out = convs[-1].out_channels
                shares = (stride != 1 or out != channels) and preact_shortcuts == "size_changes"
                lead = "none" if i == j == 0 else "both" if shares else "branch"
                stage.append(ResidualUnit(channels, convs, ORDERS[order], shortcut, lead, act, True, projection_bn))
                channels = out
            self.add_module(f"stage{i + 1}", stage)
        self.stages = len(plan.widths)
        self.head = nn.Sequential(
            *(nn.BatchNorm2d(channels) if step == "b" else activation(act) for step in ORDERS[order].lead)
        )
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.relu1(self.bn1(self.conv1(x))))
        for i in range(self.stages):
            x = getattr(self, f"stage{i + 1}")(x)
        return self.fc(self.head(x).mean((2, 3)))


def resnet(
    plan: Plan,
    /,
    *,
    num_classes: int = 10,
    in_channels: int = 3,
    unit: UnitName = "basic",
    order: OrderName = "original",
    shortcut: ShortcutName = "identity",
    downsample: Downsample = "A",
    shortcut_scale: float = 1.0,
    residual_scale: float = 1.0,
    gate_bias: float = -6.0,
    gate_reads: Literal["unit_input", "resized"] = "unit_input",
    conv1x1_bn: bool = True,
    shortcut_dropout: float = 0.5,
    dropout_scaling: Literal["plain", "inverted"] = "plain",
    shortcut_units: Literal["all", "same_size"] = "all",
    bottleneck_stride: Literal["1x1", "3x3"] = "1x1",
    preact_shortcuts: Literal["size_changes", "first"] = "size_changes",
    projection_bn: bool | None = None,
    width: float = 1.0,
    activation: Activation = "relu",
) -> ResNet:
    """A residual net of `plan`; the options are those of ResidualUnit, ShortcutSpec and:

    bottleneck_stride: which convolution of a bottleneck has the stride; "1x1" is the paper, "3x3" is v1.5.
    preact_shortcuts: units whose shortcut reads the pre-activated input; "first" keeps x raw in later stages.
    projection_bn: BN behind projections; None: as behind the last convolution of the branch.
    width: multiplies the width of every stage, not of the stem.
    """
    spec = ShortcutSpec(
        shortcut, downsample, shortcut_scale, residual_scale, gate_bias, gate_reads, conv1x1_bn,
        shortcut_dropout, dropout_scaling, shortcut_units,
    )  # fmt: skip
    return ResNet(
        plan, unit, order, spec, num_classes, in_channels, bottleneck_stride, preact_shortcuts, projection_bn,
        width, activation,
    )  # fmt: skip


def _imagenet(plan: Plan, unit: UnitName) -> partial[ResNet]:
    return partial(resnet, plan, num_classes=1000, unit=unit, downsample="B")


NETS = {
    **{f"resnet{depth}": partial(resnet, cifar_plan(depth)) for depth in (8, 20, 32, 44, 56, 110, 1202)},
    # Table 3 of He et al. 2016: one 3x3 convolution a unit.
    "resnet110_1layer": partial(resnet, cifar_plan(110), unit="single"),
    # The first unit of every bottleneck stage widens, so it needs a projection (He et al. 2016, appendix).
    **{
        f"resnet{depth}": partial(resnet, cifar_plan(depth), unit="bottleneck", downsample="B") for depth in (164, 1001)
    },
    "resnet18": _imagenet(imagenet_plan(18, 2, 2, 2, 2), "basic"),
    "resnet34": _imagenet(imagenet_plan(34, 3, 4, 6, 3), "basic"),
    "resnet50": _imagenet(imagenet_plan(50, 3, 4, 6, 3), "bottleneck"),
    "resnet101": _imagenet(imagenet_plan(101, 3, 4, 23, 3), "bottleneck"),
    "resnet152": _imagenet(imagenet_plan(152, 3, 8, 36, 3), "bottleneck"),
    "resnet200": _imagenet(imagenet_plan(200, 3, 24, 36, 3), "bottleneck"),
}
