"""Inception-v3 (Szegedy et al. 2015, "Rethinking the Inception Architecture", arXiv 1512.00567)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from nets.inception.modules import Branch, Conv, ConvNorm, Fork, InceptionNet, Pool, Stage, Style, chains, scaled
from nets.initialisation import starting_from
from nets.layers import Activation, adaptive_avg_pool
from nets.norms import NormSpec
from nets.options import Count, OneOf, Positive, Probability, spread


class InceptionV3Output(NamedTuple):
    """The output of a net with an auxiliary head in training mode; both are (N, num_classes)."""

    logits: torch.Tensor
    aux: torch.Tensor


# At 299 pixels both stems give 64 channels of 147x147. The 7x7 form itself is not published.
STEMS: dict[str, Branch] = {
    "factorised": (Conv(32, 3, 2, valid=True), Conv(32, 3, valid=True), Conv(64, 3)),
    "7x7": (Conv(64, 7, 2, valid=True),),
}
STEM_END: Branch = (Pool("max", 2, valid=True), Conv(80, 1), Conv(192, 3, valid=True), Pool("max", 2, valid=True))


def module_a(pooled: int) -> Fork:
    """35x35 modules; to 224 + `pooled` channels."""
    return Fork(
        (Conv(64, 1),),
        (Conv(48, 1), Conv(64, 5)),
        (Conv(64, 1), Conv(96, 3), Conv(96, 3)),
        (Pool("avg"), Conv(pooled, 1)),
    )


REDUCTION_B = Fork(
    (Conv(384, 3, 2, valid=True),),
    (Conv(64, 1), Conv(96, 3), Conv(96, 3, 2, valid=True)),
    (Pool("max", 2, valid=True),),
)


def module_c(c: int) -> Fork:
    """17x17 modules, every 7x7 as 1x7 and 7x1 with `c` channels inside; to 768 channels."""
    return Fork(
        (Conv(192, 1),),
        (Conv(c, 1), Conv(c, (1, 7)), Conv(192, (7, 1))),
        (Conv(c, 1), Conv(c, (7, 1)), Conv(c, (1, 7)), Conv(c, (7, 1)), Conv(192, (1, 7))),
        (Pool("avg"), Conv(192, 1)),
    )


REDUCTION_D = Fork(
    (Conv(192, 1), Conv(320, 3, 2, valid=True)),
    (Conv(192, 1), Conv(192, (1, 7)), Conv(192, (7, 1)), Conv(192, 3, 2, valid=True)),
    (Pool("max", 2, valid=True),),
)
SPLIT_3X3 = Fork((Conv(384, (1, 3)),), (Conv(384, (3, 1)),))
MODULE_E = Fork(
    (Conv(320, 1),),
    (Conv(384, 1), SPLIT_3X3),
    (Conv(448, 1), Conv(384, 3), SPLIT_3X3),
    (Pool("avg"), Conv(192, 1)),
)

STAGES: dict[str, Branch] = {
    "stage_a": (module_a(32), module_a(64), module_a(64)),
    "stage_b": (REDUCTION_B, module_c(128), module_c(160), module_c(160), module_c(192)),
    "stage_c": (REDUCTION_D, MODULE_E, MODULE_E),
}


class AuxiliaryHead(nn.Module):
    """fc(mean(conv5x5(conv1x1(pool(x))))) on the last 17x17 map; the 5x5 layer is the head's fully connected one.

    `bn` normalises that layer too ("BN-auxiliary", Table 3); the 1x1 layer always is. Maps smaller than 17x17, for
    which 5x5 pooling with stride 3 leaves less than 5x5, are pooled to 5x5 adaptively. The standard deviations of the
    initial weights are those of TF-slim.
    """

    def __init__(self, in_channels: int, num_classes: int, style: Style, bn: bool) -> None:
        super().__init__()
        self.conv1 = ConvNorm(in_channels, Conv(128, 1), style)
        self.conv2 = ConvNorm(128, Conv(768, 5, valid=True), style, norm=bn)
        self.fc = nn.Linear(768, num_classes)
        starting_from(self.conv2.conv, init_std=0.01)
        starting_from(self.fc, init_std=0.001)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.avg_pool2d(x, 5, 3) if min(x.shape[2:]) >= 17 else adaptive_avg_pool(x, 5)
        return self.fc(self.conv2(self.conv1(x)).mean((2, 3)))


class InceptionV3(InceptionNet):
    """An InceptionNet with an auxiliary head on the output of `stage_b`, in training mode only."""

    def __init__(
        self, stages: Mapping[str, Stage], num_classes: int, dropout: float, style: Style, aux_bn: bool
    ) -> None:
        super().__init__(stages, num_classes, dropout, min_size=75)
        self.aux = AuxiliaryHead(stages["stage_b"].out_channels, num_classes, style, aux_bn)

    def forward(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor | None, ...]:
        if not self.training:
            return super().forward(x)
        self.check_size(x)
        x = self.features(x, ("stem", "stage_a", "stage_b"))
        aux = self.aux(x)
        return InceptionV3Output(self.classify(self.features(x, ("stage_c",))), aux)


@spread
def inception_v3(
    *,
    num_classes: Count = 1000,
    in_channels: Count = 3,
    aux: bool = True,
    aux_bn: bool = True,
    stem: Annotated[str, OneOf(STEMS)] = "factorised",
    average_pool: Literal["count_padding", "skip_padding"] = "count_padding",
    dropout: Probability = 0.5,
    width: Positive = 1.0,
    bn_eps: Positive = 1e-3,
    activation: Activation = "relu",
    normalisation: NormSpec,
) -> InceptionNet:
    """Inception-v3 in the released layout (TF-slim, torchvision); 299 x 299 pixels, at least 75 x 75.

    aux: with the auxiliary head, the net returns InceptionV3Output in training mode; the paper does not give the weight
    of its loss. aux_bn: see AuxiliaryHead. stem: "7x7" is Table 3 before "Factorized 7x7".
    width: multiplies the channels, except those of the head. norm, norm_groups: see NormSpec.
    average_pool: at the border, torchvision divides by 9, TF-slim by the number of pixels inside.
    Deviations from the paper: its Table 1 prints another stem (3x3 convolutions 64 -> 80 -> 192 -> 288, without the
    second pooling) and five 17x17 modules, the first of which is the reduction here.
    """
    style = Style(activation, bn_eps, count_padding=average_pool == "count_padding", norm=normalisation)
    if normalisation.norm == "instance" and aux and aux_bn:
        raise ValueError("the fully connected layer of the head has one pixel: instance norm needs aux_bn = False")
    stages = chains(in_channels, scaled({"stem": STEMS[stem] + STEM_END, **STAGES}, width), style)
    if aux:
        return InceptionV3(stages, num_classes, dropout, style, aux_bn)
    return InceptionNet(stages, num_classes, dropout, min_size=75)


NETS = {"inception_v3": inception_v3}
