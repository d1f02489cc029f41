"""Inception-v4 (Szegedy et al. 2016, arXiv 1602.07261, Figures 3-9): Inception without residual connections."""

from __future__ import annotations

from functools import partial

from nets.inception.modules import Branch, Conv, Fork, InceptionNet, Pool, Style, chains, scaled
from nets.layers import Activation
from nets.norms import NormSpec
from nets.options import Count, CountOrZero, Positive, Probability, spread

STEM: Branch = (  # Figure 3, to 384 channels
    Conv(32, 3, 2, valid=True),
    Conv(32, 3, valid=True),
    Conv(64, 3),
    Fork((Pool("max", 2, valid=True),), (Conv(96, 3, 2, valid=True),)),
    Fork(
        (Conv(64, 1), Conv(96, 3, valid=True)),
        (Conv(64, 1), Conv(64, (1, 7)), Conv(64, (7, 1)), Conv(96, 3, valid=True)),
    ),
    Fork((Conv(192, 3, 2, valid=True),), (Pool("max", 2, valid=True),)),
)
STEM_SMALL: Branch = (Conv(64, 3), Conv(384, 3))

MODULE_A = Fork(  # Figure 4, 384 channels
    (Conv(96, 1),),
    (Conv(64, 1), Conv(96, 3)),
    (Conv(64, 1), Conv(96, 3), Conv(96, 3)),
    (Pool("avg"), Conv(96, 1)),
)
MODULE_B = Fork(  # Figure 5, 1024 channels
    (Conv(384, 1),),
    (Conv(192, 1), Conv(224, (1, 7)), Conv(256, (7, 1))),
    (Conv(192, 1), Conv(192, (7, 1)), Conv(224, (1, 7)), Conv(224, (7, 1)), Conv(256, (1, 7))),
    (Pool("avg"), Conv(128, 1)),
)
SPLIT_3X3 = Fork((Conv(256, (1, 3)),), (Conv(256, (3, 1)),))
MODULE_C = Fork(  # Figure 6, 1536 channels
    (Conv(256, 1),),
    (Conv(384, 1), SPLIT_3X3),
    (Conv(384, 1), Conv(448, (3, 1)), Conv(512, (1, 3)), SPLIT_3X3),
    (Pool("avg"), Conv(256, 1)),
)


def reduction_a(k: int, l: int, m: int, n: int) -> Fork:  # noqa: E741 - the paper's letters
    """Figure 7 with the numbers of Table 1; adds m + n channels."""
    return Fork(
        (Conv(n, 3, 2, valid=True),),
        (Conv(k, 1), Conv(l, 3), Conv(m, 3, 2, valid=True)),
        (Pool("max", 2, valid=True),),
    )


REDUCTION_B = Fork(  # Figure 8, adds 512 channels
    (Conv(192, 1), Conv(192, 3, 2, valid=True)),
    (Conv(256, 1), Conv(256, (1, 7)), Conv(320, (7, 1)), Conv(320, 3, 2, valid=True)),
    (Pool("max", 2, valid=True),),
)


@spread
def inception_v4(
    small: bool,
    /,
    *,
    num_classes: Count = 1000,
    in_channels: Count = 3,
    blocks: tuple[CountOrZero, CountOrZero, CountOrZero] = (4, 7, 3),
    width: Positive = 1.0,
    dropout: Probability = 0.2,
    bn_eps: Positive = 1e-3,
    activation: Activation = "relu",
    normalisation: NormSpec,
) -> InceptionNet:
    """Inception-v4, Figure 9; 299 x 299 pixels, at least 75 x 75. The order of 1x7 and 7x1 is TF-slim's.

    blocks: modules of kind A, B and C. width: multiplies all channels. norm, norm_groups: see NormSpec.
    `small` is this project's form for 32x32 images: a stem of two 3x3 convolutions without stride, stages A, B, C
    on maps of 32, 16 and 8, and no "V" layer, so that every convolution and pooling is padded.
    """
    a, b, c = blocks
    rows: dict[str, Branch] = {
        "stem": STEM_SMALL if small else STEM,
        "stage_a": (MODULE_A,) * a,
        "stage_b": (reduction_a(192, 224, 256, 384), *(MODULE_B,) * b),
        "stage_c": (REDUCTION_B, *(MODULE_C,) * c),
    }
    style = Style(activation, bn_eps, honour_valid=not small, norm=normalisation)
    stages = chains(in_channels, scaled(rows, width), style)
    return InceptionNet(stages, num_classes, dropout, min_size=1 if small else 75)


NETS = {
    "inception_v4": partial(inception_v4, False),
    # 96, 256 and 384 channels instead of 384, 1024 and 1536
    "inception_v4_cifar": partial(inception_v4, True, num_classes=10, width=0.25, dropout=0.0),
}
