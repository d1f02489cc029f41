"""Nets stacked from residual units: CIFAR (He et al. 2015, section 4.2; 2016) and ImageNet (2015, Table 1)."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import torch
from torch import nn

from nets.branch import BranchSpec
from nets.layers import Activation
from nets.layers import activation as make_activation
from nets.norms import NormSpec
from nets.options import Count, Positive, spread
from nets.residual import ORDERS, OrderName, ResidualUnit, UnitName, convolutions
from nets.resnet_layouts import STEMS, ResNetLayout, StemName, cifar_layout, imagenet_layout, make_stem
from nets.shortcuts import ShortcutSpec


class ResNet(nn.Module):
    """logits = fc(mean(head(stages(stem(x))))), where head is the order's lead: one activation after the last sum.

    The stem is convolution, BN, ReLU in every order, and the first unit has no lead of its own: for the two
    pre-activation orders that is the paper's first unit, activated before the split (appendix of He et al. 2016). A
    later unit that changes size shares its lead between branch and shortcut, as in resnet-pre-act.lua.
    """

    init = "he_fan_out"

    def __init__(
        self,
        layout: ResNetLayout,
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
        norm: NormSpec,
        branch: BranchSpec,
    ) -> None:
        super().__init__()
        channels = layout.widths[0]
        stem = make_stem(STEMS[layout.stem], in_channels, channels, norm, act, branch.antialias)
        self.conv1, self.bn1, self.relu1, self.pool = stem
        counts = layout.units_per_stage(unit)
        units, number = sum(counts), 0
        for i, count in enumerate(counts):
            stage = nn.Sequential()
            for j in range(count):
                number += 1
                stride = 2 if i > 0 and j == 0 else 1
                convs = convolutions(unit, max(1, int(layout.widths[i] * width)), stride, bottleneck_stride, branch)
                out = convs[-1].out_channels
                shares = (stride != 1 or out != channels) and preact_shortcuts == "size_changes"
                lead = "none" if i == j == 0 else "both" if shares else "branch"
                drop = branch.stochastic_depth * number / units
                stage.append(
                    ResidualUnit(channels, convs, ORDERS[order], shortcut, lead, act, norm, projection_bn, branch, drop)
                )
                channels = out
            self.add_module(f"stage{i + 1}", stage)
        self.stages = len(layout.widths)
        self.head = nn.Sequential(
            *(norm.layer(channels) if step == "b" else make_activation(act) for step in ORDERS[order].lead)
        )
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.relu1(self.bn1(self.conv1(x))))
        for i in range(self.stages):
            x = getattr(self, f"stage{i + 1}")(x)
        return self.fc(self.head(x).mean((2, 3)))


@spread
def resnet(
    layout: ResNetLayout,
    /,
    *,
    num_classes: Count = 10,
    in_channels: Count = 3,
    unit: UnitName = "basic",
    order: OrderName = "original",
    shortcuts: ShortcutSpec,
    bottleneck_stride: Literal["1x1", "3x3"] = "1x1",
    preact_shortcuts: Literal["size_changes", "first"] = "size_changes",
    projection_bn: bool | None = None,
    width: Positive = 1.0,
    activation: Activation = "relu",
    normalisation: NormSpec,
    branch: BranchSpec,
    stem: StemName | None = None,
) -> ResNet:
    """A residual net of `layout`; the options are those of ShortcutSpec, NormSpec, BranchSpec and:

    order: of norms, activations and sum in a unit (ORDERS). unit: the convolutions of a branch (UNITS).
    bottleneck_stride: which convolution of a bottleneck has the stride; "1x1" is the paper, "3x3" is v1.5.
    preact_shortcuts: units whose shortcut reads the pre-activated input; "first" keeps x raw in later stages.
    projection_bn: whether projections are normalised; None: if the last convolution of the branch is.
    width: multiplies the width of every stage, not of the stem (Zagoruyko and Komodakis 2016, 1605.07146: k).
    stem: see STEMS; None: that of the layout.
    """
    return ResNet(
        layout.with_stem(stem), unit, order, shortcuts, num_classes, in_channels, bottleneck_stride, preact_shortcuts,
        projection_bn, width, activation, normalisation, branch,
    )  # fmt: skip


def _imagenet(unit: UnitName, depth: int, *units: int, **options: Any) -> partial[ResNet]:
    return partial(resnet, imagenet_layout(depth, *units), num_classes=1000, unit=unit, downsample="B", **options)


def _wide(depth: int, factor: int) -> partial[ResNet]:
    """WRN-depth-factor. The paper counts the projections of its three stages, so depth = 6n + 4."""
    return partial(resnet, cifar_layout(depth - 2), order="full_preact", downsample="B", width=factor)


def _groups(cardinality: int, width: int) -> dict[str, Any]:
    """ResNeXt's C x d: C groups, each `width` channels wide in the first stage, whose plain bottleneck has 64."""
    return {"cardinality": cardinality, "bottleneck_width": cardinality * width / 64}


NETS = {
    **{f"resnet{depth}": partial(resnet, cifar_layout(depth)) for depth in (8, 20, 32, 44, 56, 110, 1202)},
    # Table 3 of He et al. 2016: one 3x3 convolution per unit.
    "resnet110_1layer": partial(resnet, cifar_layout(110), unit="single"),
    # The first unit of every bottleneck stage widens, so it needs a projection (He et al. 2016, appendix).
    **{
        f"resnet{depth}": partial(resnet, cifar_layout(depth), unit="bottleneck", downsample="B")
        for depth in (164, 1001)
    },
    "resnet18": _imagenet("basic", 18, 2, 2, 2, 2),
    "resnet34": _imagenet("basic", 34, 3, 4, 6, 3),
    "resnet50": _imagenet("bottleneck", 50, 3, 4, 6, 3),
    "resnet101": _imagenet("bottleneck", 101, 3, 4, 23, 3),
    "resnet152": _imagenet("bottleneck", 152, 3, 8, 36, 3),
    "resnet200": _imagenet("bottleneck", 200, 3, 24, 36, 3),
    **{f"wrn{depth}_{factor}": _wide(depth, factor) for depth, factor in ((16, 8), (28, 10), (40, 4))},
    "wide_resnet50_2": _imagenet("bottleneck", 50, 3, 4, 6, 3, bottleneck_width=2.0, bottleneck_stride="3x3"),
    # Xie et al. 2017, Table 1 and section 5.3: stage outputs 256, 512, 1024 on CIFAR.
    "resnext29_8x64d": partial(
        resnet,
        ResNetLayout("conv3x3", (64, 128, 256), 29),
        unit="bottleneck",
        downsample="B",
        bottleneck_stride="3x3",
        **_groups(8, 64),
    ),
    "resnext50_32x4d": _imagenet("bottleneck", 50, 3, 4, 6, 3, bottleneck_stride="3x3", **_groups(32, 4)),
    "resnext101_32x8d": _imagenet("bottleneck", 101, 3, 4, 23, 3, bottleneck_stride="3x3", **_groups(32, 8)),
}
