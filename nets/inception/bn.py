"""BN-Inception (Ioffe and Szegedy 2015, "Batch Normalization", arXiv 1502.03167, Figure 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from nets.inception.modules import Branch, Conv, Fork, InceptionNet, Pool, Stage, Style, chains, scaled
from nets.inception.stem import FirstConv, Stem
from nets.layers import Activation
from nets.norms import NormSpec
from nets.options import Count, OneOf, Positive, Probability, spread


@dataclass(frozen=True)
class Row:
    """One module, a line of Figure 5. Without 1x1 branch and projection, its last layers have stride 2."""

    one: int
    three_reduce: int
    three: int
    double_reduce: int
    double: int
    pool: Literal["avg", "max"]
    pool_proj: int


FIGURE_5 = {
    "3a": Row(64, 64, 64, 64, 96, "avg", 32),
    "3b": Row(64, 64, 96, 64, 96, "avg", 64),
    "3c": Row(0, 128, 160, 64, 96, "max", 0),
    "4a": Row(224, 64, 96, 96, 128, "avg", 128),
    "4b": Row(192, 96, 128, 96, 128, "avg", 128),
    "4c": Row(160, 128, 160, 128, 160, "avg", 128),
    "4d": Row(96, 128, 192, 160, 192, "avg", 128),
    "4e": Row(0, 128, 192, 192, 256, "max", 0),
    "5a": Row(352, 192, 320, 160, 224, "avg", 128),
    "5b": Row(352, 192, 320, 192, 224, "max", 128),
}

LARGE: dict[str, Callable[[int, int], Branch]] = {
    "3x3_twice": lambda channels, stride: (Conv(channels, 3), Conv(channels, 3, stride)),
    "5x5": lambda channels, stride: (Conv(channels, 5, stride),),
}


Pooling = Literal["mixed", "avg", "max"]


def module(row: Row, large: str, pooling: Pooling) -> Fork:
    """1x1 | 1x1, 3x3 | 1x1, 3x3, 3x3 | pooling, 1x1; "pass through" (stride 2): the middle two, and pooling alone."""
    stride = 1 if row.one else 2
    kind = row.pool if pooling == "mixed" else pooling
    return Fork(
        (Conv(row.one, 1),) if row.one else None,
        (Conv(row.three_reduce, 1), Conv(row.three, 3, stride)),
        (Conv(row.double_reduce, 1), *LARGE[large](row.double, stride)),
        (Pool(kind), Conv(row.pool_proj, 1)) if row.pool_proj else (Pool("max", stride),),
    )


@spread
def inception_bn(
    *,
    num_classes: Count = 1000,
    in_channels: Count = 3,
    normalisation: NormSpec,
    large: Annotated[str, OneOf(LARGE)] = "3x3_twice",
    pooling: Pooling = "mixed",
    first_conv: FirstConv = "separable",
    dropout: Probability = 0.0,
    width: Positive = 1.0,
    bn_eps: Positive = 1e-3,
    activation: Activation = "relu",
) -> InceptionNet:
    """BN-Inception, Figure 5; 224 x 224 pixels, at least 7 x 7. No LRN, no auxiliary heads.

    norm: "none" is the "Inception" of section 4.2, with biases instead of BN; see NormSpec. large: 5x5 is GoogLeNet's
    branch. pooling: inside the modules of stride 1; "mixed" is the figure's. first_conv: separable in the paper, dense
    in the released Caffe model. dropout: 0 as in BN-x5 and BN-x30; BN-Baseline keeps GoogLeNet's 0.4.
    The filters are the figure's. Its output sizes at 4c, 4d (576) and 4e (1024) are not the sums of its branches, which
    are 608, 608 and 1056; nor does it have the text's 13.6 million parameters.
    Padding of the stride-2 poolings in 3c and 4e, which the paper leaves open: one pixel, as in the parallel
    convolutions (the Caffe model has none, and a last window over the edge).
    """
    rows: dict[str, Branch] = {f"inception_{name}": (module(row, large, pooling),) for name, row in FIGURE_5.items()}
    style = Style(activation, bn_eps, norm=normalisation, count_padding=True)
    stem = Stem(in_channels, style, False, first_conv, width)
    stages: dict[str, Stage] = {"stem": stem, **chains(stem.out_channels, scaled(rows, width), style)}
    return InceptionNet(stages, num_classes, dropout, min_size=7)


NETS = {"inception_bn": inception_bn}
