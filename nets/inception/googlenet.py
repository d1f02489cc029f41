"""GoogLeNet (Szegedy et al. 2014, "Going Deeper with Convolutions", arXiv 1409.4842)."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

import torch
from torch import nn

from nets.inception.modules import Branch, Conv, ConvNorm, Fork, InceptionNet, Pool, Stage, Style, chains, scaled
from nets.inception.stem import FirstConv, SmallStem, Stem
from nets.layers import Activation, AdaptiveAvgPool
from nets.layers import activation as make_activation
from nets.norms import NORMS, NormSpec
from nets.options import Count, OneOf, Positive, Probability


class GoogLeNetOutput(NamedTuple):
    """The output of a net with auxiliary heads in training mode; each (N, num_classes), None: no such head."""

    logits: torch.Tensor
    aux1: torch.Tensor | None
    aux2: torch.Tensor | None


@dataclass(frozen=True)
class Row:
    """The filters of one Inception module, a line of Table 1."""

    one: int
    three_reduce: int
    three: int
    five_reduce: int
    five: int
    pool_proj: int


TABLE_1 = {
    "3a": Row(64, 96, 128, 16, 32, 32),
    "3b": Row(128, 128, 192, 32, 96, 64),
    "4a": Row(192, 96, 208, 16, 48, 64),
    "4b": Row(160, 112, 224, 24, 64, 64),
    "4c": Row(128, 128, 256, 24, 64, 64),
    "4d": Row(112, 144, 288, 32, 64, 64),
    "4e": Row(256, 160, 320, 32, 128, 128),
    "5a": Row(256, 160, 320, 32, 128, 128),
    "5b": Row(384, 192, 384, 48, 128, 128),
}

LARGE: dict[str, Callable[[int], Branch]] = {
    "5x5": lambda channels: (Conv(channels, 5),),
    "3x3_twice": lambda channels: (Conv(channels, 3), Conv(channels, 3)),  # Szegedy et al. 2015, Figure 5
    "3x3": lambda channels: (Conv(channels, 3),),  # torchvision; a bug by its issue 906
}
ModuleName = Annotated[str, OneOf(TABLE_1)]
Large = Annotated[str, OneOf(LARGE)]
AUX_POOLS: dict[str, Callable[[], nn.Module]] = {"5x5": lambda: nn.AvgPool2d(5, 3), "adaptive": nn.Identity}
AUX_HEADS = {"both": ("aux1", "aux2"), "first": ("aux1",), "second": ("aux2",), "none": ()}
# Every normalisation that the other nets have, and the paper's LRN, which is in the stem alone.
GOOGLENET_NORMS: ChainMap[str, Any] = ChainMap({"lrn": None}, NORMS)


def naive(row: Row, large: str) -> tuple[Branch, ...]:
    """Figure 2(a): 1x1, 3x3, 5x5 and pooling in parallel."""
    return (Conv(row.one, 1),), (Conv(row.three, 3),), LARGE[large](row.five), (Pool("max"),)


def reduced(row: Row, large: str) -> tuple[Branch, ...]:
    """Figure 2(b): a 1x1 reduction before every larger convolution."""
    one, three, five, pool = naive(row, large)
    return one, (Conv(row.three_reduce, 1), *three), (Conv(row.five_reduce, 1), *five), pool


FORMS = {"reduced": reduced, "naive": naive}


class AuxiliaryHead(nn.Module):
    """fc2(dropout(act(fc1(conv1x1(pool(x)))))), section 5; 5x5 pooling with stride 3 brings 14x14 maps to 4x4.

    Maps of other sizes are pooled to 4x4 adaptively: smaller ones instead of that pooling, larger ones after it. With
    the pool "adaptive" all are (torchvision).
    """

    def __init__(
        self, in_channels: int, num_classes: int, style: Style, pool: str, dropout: float, activation: str
    ) -> None:
        super().__init__()
        self.pool = AUX_POOLS[pool]()
        self.resize = AdaptiveAvgPool(4)
        self.conv = ConvNorm(in_channels, Conv(128, 1), style)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.act = make_activation(activation)
        self.dropout = nn.Dropout(dropout)
        self.fc2 = nn.Linear(1024, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if min(x.shape[2:]) >= 14:
            x = self.pool(x)
        x = self.conv(self.resize(x)).flatten(1)
        return self.fc2(self.dropout(self.act(self.fc1(x))))


class GoogLeNet(InceptionNet):
    """An InceptionNet whose auxiliary heads read the output of some stages, in training mode only.

    The paper gives no initial weights; here they are those of InceptionNet.
    """

    def __init__(
        self,
        stages: Mapping[str, Stage],
        heads: Mapping[str, tuple[str, AuxiliaryHead]],  # name: (stage that it reads, head)
        num_classes: int,
        dropout: float,
        min_size: int,
    ) -> None:
        super().__init__(stages, num_classes, dropout, min_size)
        self.head_after = {stage: name for name, (stage, _) in heads.items()}
        for name, (_, head) in heads.items():
            self.add_module(name, head)

    def forward(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor | None, ...]:
        if not (self.training and self.head_after):
            return super().forward(x)
        self.check_size(x)
        aux: dict[str, torch.Tensor | None] = {"aux1": None, "aux2": None}
        for stage in self.stages:
            x = self.features(x, (stage,))
            if name := self.head_after.get(stage):
                aux[name] = getattr(self, name)(x)
        return GoogLeNetOutput(self.classify(x), **aux)


def googlenet(
    small: bool,
    /,
    *,
    num_classes: Count = 1000,
    in_channels: Count = 3,
    form: Annotated[str, OneOf(FORMS)] = "reduced",
    large: Large = "5x5",
    branch_1x1: bool = True,
    branch_3x3: bool = True,
    branch_large: bool = True,
    branch_pool: bool = True,
    pool_projection: bool | None = None,
    norm: Annotated[str, OneOf(GOOGLENET_NORMS)] = "lrn",
    first_conv: FirstConv = "dense",
    last_pool: Literal[2, 3] = 3,
    aux: Annotated[str, OneOf(AUX_HEADS)] = "both",
    aux_after: tuple[ModuleName, ModuleName] = ("4a", "4d"),
    aux_pool: Annotated[str, OneOf(AUX_POOLS)] = "5x5",
    dropout: Probability = 0.4,
    aux_dropout: Probability = 0.7,
    width: Positive = 1.0,
    bn_eps: Positive = 1e-3,
    activation: Activation = "relu",
    norm_groups: Count = 32,
) -> InceptionNet:
    """GoogLeNet, Table 1 and Figure 3; 224 x 224 pixels, at least 31 x 31. The paper has no BN.

    form, large: see FORMS and LARGE. branch_*: False makes the module narrower by that branch; one must stay.
    pool_projection: a 1x1 convolution after the pooling; None: as in the paper, only in the "reduced" form.
    norm: "lrn" in the stem (Figure 3; not in Table 1), or one of NormSpec after every convolution.
    first_conv: Table 1 counts 2.7K parameters and 34M multiply-adds for its 7x7 layer, as a "separable" one with 8
    filters per channel has; the text describes the "dense" layer that other implementations have.
    last_pool: k x k pooling before 5a. aux: see GoogLeNetOutput; the paper adds 0.3 times the loss of each head.
    aux_after: the modules that the heads read. width: multiplies the channels, except those of the heads.
    torchvision's net: norm="batch", large="3x3", last_pool=2, aux_pool="adaptive", dropout=0.2.

    `small` is the form for 32x32 images that kuangliu/pytorch-cifar and weiaicunzai/pytorch-cifar100 train: one 3x3
    convolution to 192 channels instead of the stem, modules 3, 4 and 5 on maps of 32, 16 and 8; at least 4 x 4.
    """
    kept = (branch_1x1, branch_3x3, branch_large, branch_pool)
    if not any(kept):
        raise ValueError("one of branch_1x1, branch_3x3, branch_large, branch_pool must be True")
    projected = form == "reduced" if pool_projection is None else pool_projection
    rows: dict[str, Branch] = {}
    for name, row in TABLE_1.items():
        *convs, pool = FORMS[form](row, large)
        branches = (*convs, (*pool, Conv(row.pool_proj, 1)) if projected else pool)
        fork = Fork(*(branch if keep else None for branch, keep in zip(branches, kept, strict=True)))
        rows[f"inception_{name}"] = (*_pool_ahead_of(name, last_pool), fork)
    style = Style(activation, bn_eps, norm=NormSpec("none" if norm == "lrn" else norm, norm_groups))
    stem = (SmallStem if small else Stem)(in_channels, style, norm == "lrn", first_conv, width)
    stages: dict[str, Stage] = {"stem": stem, **chains(stem.out_channels, scaled(rows, width), style)}
    heads = {
        head: (stage, AuxiliaryHead(stages[stage].out_channels, num_classes, style, aux_pool, aux_dropout, activation))
        for head, stage in zip(("aux1", "aux2"), _head_stages(aux_after), strict=True)
        if head in AUX_HEADS[aux]
    }
    return GoogLeNet(stages, heads, num_classes, dropout, min_size=4 if small else 31)


def _pool_ahead_of(module: str, last_pool: int) -> Branch:
    kernel = {"4a": 3, "5a": last_pool}.get(module)
    return (Pool("max", 2, kernel=kernel, ceil=True),) if kernel else ()


def _head_stages(aux_after: tuple[str, ...]) -> tuple[str, ...]:
    if aux_after[0] == aux_after[1]:
        raise ValueError(f"aux_after takes two different modules of {', '.join(TABLE_1)}, not {aux_after}")
    return tuple(f"inception_{name}" for name in aux_after)


NETS = {
    "googlenet": partial(googlenet, False),
    "googlenet_cifar": partial(googlenet, True, num_classes=10, large="3x3_twice", norm="batch", aux="none"),
}
