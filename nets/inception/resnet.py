"""Inception-ResNet-v1 and -v2 (Szegedy et al. 2016, arXiv 1602.07261, Figures 10-19), and a form for 32x32."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from nets.inception.modules import Branch, Conv, Fork, InceptionNet, Pool, Residual, Style, chains, scaled
from nets.inception.v4 import reduction_a
from nets.layers import Activation
from nets.norms import NormSpec
from nets.options import Count, CountOrZero, Positive, Probability, spread


@dataclass(frozen=True)
class InceptionResNetLayout:
    """The rows of one version: stem, three kinds of residual module, two reductions, last convolution."""

    stem: Branch
    modules: tuple[Fork, Fork, Fork]
    reductions: tuple[Fork, Fork]
    end: Branch = ()
    small: bool = False


def residual_a(first: int, second: int, third: int) -> Fork:
    """Figures 10 and 16: 1x1; 1x1, 3x3; 1x1, 3x3, 3x3. The last branch has the given channels, the others 32."""
    return Fork((Conv(32, 1),), (Conv(32, 1), Conv(32, 3)), (Conv(first, 1), Conv(second, 3), Conv(third, 3)))


def residual_bc(alone: int, kernel: int, first: int, second: int, third: int) -> Fork:
    """Figures 11, 13, 17 and 19: 1x1 to `alone` channels; 1x1, 1 x kernel, kernel x 1 to the other three."""
    return Fork((Conv(alone, 1),), (Conv(first, 1), Conv(second, (1, kernel)), Conv(third, (kernel, 1))))


def reduction_b(second: int, inner: int, third: int) -> Fork:
    """Figures 12 and 18; adds 384 + second + third channels."""
    return Fork(
        (Conv(256, 1), Conv(384, 3, 2, valid=True)),
        (Conv(256, 1), Conv(second, 3, 2, valid=True)),
        (Conv(256, 1), Conv(inner, 3), Conv(third, 3, 2, valid=True)),
        (Pool("max", 2, valid=True),),
    )


STEM_START: Branch = (
    Conv(32, 3, 2, valid=True), Conv(32, 3, valid=True), Conv(64, 3), Pool("max", 2, valid=True),
    Conv(80, 1), Conv(192, 3, valid=True),
)  # fmt: skip

V1 = InceptionResNetLayout(  # 256, 896 and 1792 channels
    stem=(*STEM_START, Conv(256, 3, 2, valid=True)),  # Figure 14
    modules=(residual_a(32, 32, 32), residual_bc(128, 7, 128, 128, 128), residual_bc(192, 3, 192, 192, 192)),
    reductions=(reduction_a(192, 192, 256, 384), reduction_b(256, 256, 256)),
)
V2 = InceptionResNetLayout(  # 320, 1088 and 2080 channels
    stem=(
        *STEM_START,
        Pool("max", 2, valid=True),
        Fork(
            (Conv(96, 1),),
            (Conv(48, 1), Conv(64, 5)),
            (Conv(64, 1), Conv(96, 3), Conv(96, 3)),
            (Pool("avg"), Conv(64, 1)),
        ),
    ),
    modules=(residual_a(32, 48, 64), residual_bc(192, 7, 128, 160, 192), residual_bc(192, 3, 192, 224, 256)),
    reductions=(reduction_a(256, 256, 384, 384), reduction_b(288, 288, 320)),
    end=(Conv(1536, 1),),
)
CIFAR = InceptionResNetLayout(  # version 1 after a stem without stride; at width 1/4: 64, 224 and 448 channels
    stem=(Conv(64, 3), Conv(256, 3)), modules=V1.modules, reductions=V1.reductions, small=True
)

RELEASED_SCALES = (0.17, 0.10, 0.20)  # TF-slim, for A, B and C; the paper says "between 0.1 and 0.3"


@spread
def inception_resnet(
    layout: InceptionResNetLayout,
    /,
    *,
    num_classes: Count = 1000,
    in_channels: Count = 3,
    blocks: tuple[CountOrZero, CountOrZero, CountOrZero] = (5, 10, 5),
    residual: bool = True,
    residual_scale: float | None = None,
    width: Positive = 1.0,
    dropout: Probability = 0.2,
    bn_eps: Positive = 1e-3,
    activation: Activation = "relu",
    normalisation: NormSpec,
) -> InceptionNet:
    """Inception with residual modules; 299 x 299 pixels, at least 75 x 75.

    blocks: modules of kind A, B and C. The last one is neither scaled nor activated, as in TF-slim.
    residual: False removes every sum and its scale; layers, names and parameters stay the same.
    residual_scale: of every module but the last; None: 0.17 in A, 0.10 in B, 0.20 in C, as in TF-slim.
    width: multiplies all channels. norm, norm_groups: see NormSpec.
    Deviations: version 2 is the released net (10, 20, 10 modules on 320, 1088, 2080 channels and a last 1x1
    convolution to 1536), not Figures 3 and 15-19 (5, 10, 5 on 384, 1154, 2048, where sums do not fit their
    inputs). Version 1 is the paper's, with five modules of kind C (facenet's port has six).
    `inception_resnet_cifar` is this project's form for 32x32 images: version 1 after two 3x3 convolutions without
    stride, stages A, B, C on maps of 32, 16 and 8, every convolution and pooling padded.
    """
    scales = RELEASED_SCALES if residual_scale is None else (residual_scale,) * 3
    stage_a, stage_b, stage_c = (
        [Residual(fork, scale, residual)] * count
        for fork, scale, count in zip(layout.modules, scales, blocks, strict=True)
    )
    if stage_c:
        stage_c[-1] = Residual(layout.modules[2], 1.0, residual, act_after=False)
    rows: dict[str, Branch] = {
        "stem": layout.stem,
        "stage_a": tuple(stage_a),
        "stage_b": (layout.reductions[0], *stage_b),
        "stage_c": (layout.reductions[1], *stage_c, *layout.end),
    }
    style = Style(activation, bn_eps, honour_valid=not layout.small, norm=normalisation)
    stages = chains(in_channels, scaled(rows, width), style)
    return InceptionNet(stages, num_classes, dropout, min_size=1 if layout.small else 75)


NETS: dict[str, Callable[..., InceptionNet]] = {
    "inception_resnet_v1": partial(inception_resnet, V1),
    "inception_resnet_v2": partial(inception_resnet, V2, blocks=(10, 20, 10)),
    # 448 filters at most: scaling is needed above about 1000 only (section 3.3), so its scale is 1.
    "inception_resnet_cifar": partial(
        inception_resnet, CIFAR, num_classes=10, width=0.25, residual_scale=1.0, dropout=0.0
    ),
}
