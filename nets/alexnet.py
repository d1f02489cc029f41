"""AlexNet: two towers (Krizhevsky et al. 2012), one tower (Krizhevsky 2014), and its nets for 32x32 images."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

import torch
from torch import nn

from nets.alexnet_layouts import (
    LAYOUT_2012,
    LAYOUT_2014,
    LAYOUT_CIFAR,
    LAYOUT_FIGURE_1,
    LAYOUT_ONE_GPU,
    AlexNetLayout,
)
from nets.initialisation import starting_from
from nets.layers import Activation, AdaptiveAvgPool, activation, local_response_norm
from nets.norms import NormName, NormSpec
from nets.options import Count, CountOrZero, OneOf, Probability

DropoutPlace = Literal["inputs", "outputs"]


class PlainDropout(nn.Dropout):
    """Values are dropped in training and multiplied by 1 - p in evaluation (section 4.2 of the paper)."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return (1 - self.p) * super().forward(input)


DROPOUTS: dict[str, type[nn.Dropout]] = {"inverted": nn.Dropout, "plain": PlainDropout}
DropoutScaling = Annotated[str, OneOf(DROPOUTS)]
POOLINGS: dict[str, type[nn.Module]] = {"m": nn.MaxPool2d, "a": nn.AvgPool2d}


class AlexNet(nn.Module):
    """logits = classifier(resize(features(x))), where features are conv[-norm]-activation[-LRN][-pool], row by row.

    `resize` pools maps of any size to the layout's map size and is the identity at the paper's image size. The three
    unpadded poolings need images of 63 pixels or more (alexnet_cifar: 4, alexnet_fig1: 8).
    """

    def __init__(
        self,
        layout: AlexNetLayout,
        num_classes: int,
        in_channels: int,
        act: str,
        lrn: bool,
        divide_alpha: bool,
        pool_size: int,
        dropout: Callable[[], nn.Dropout],
        dropout_place: DropoutPlace,
        norm: NormSpec,
    ) -> None:
        super().__init__()
        self.init = layout.init
        features: OrderedDict[str, nn.Module] = OrderedDict()
        channels = in_channels
        for row in layout.convs:
            number = row.name.removeprefix("conv")
            conv = nn.Conv2d(
                channels, row.out_channels, row.kernel, row.stride, row.padding, 1, row.groups, not norm.normalises
            )
            features[row.name] = conv if row.bias is None else starting_from(conv, bias_init=row.bias)
            if norm.normalises:
                features[f"bn{number}"] = norm.layer(row.out_channels)
            features[f"act{number}"] = activation(act)
            for step in row.after if lrn else row.after.replace("n", ""):
                if step == "n":
                    constants = layout.lrn
                    features[f"lrn{number}"] = local_response_norm(
                        constants.size, constants.alpha, constants.beta, constants.k, divide_alpha
                    )
                else:
                    features[f"pool{number}"] = POOLINGS[step](pool_size, 2, ceil_mode=layout.ceil_mode)
            channels = row.out_channels
        self.features = nn.Sequential(features)
        self.resize = AdaptiveAvgPool(layout.map_size)
        self.classifier = nn.Sequential(
            OrderedDict(_classifier(layout, channels, num_classes, act, dropout, dropout_place))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.resize(self.features(x)).flatten(1))


def _classifier(
    layout: AlexNetLayout,
    channels: int,
    num_classes: int,
    act: str,
    dropout: Callable[[], nn.Dropout],
    place: DropoutPlace,
) -> Iterator[tuple[str, nn.Module]]:
    """fc - activation for every hidden layer, then fc; dropout before the first two, or after the hidden ones."""
    width = channels * layout.map_size**2
    for i, units in enumerate((*layout.hidden, num_classes)):
        number = layout.first_fc + i
        fc = nn.Linear(width, units)
        hidden = i < len(layout.hidden)
        if hidden and layout.hidden_bias is not None:
            starting_from(fc, bias_init=layout.hidden_bias)
        if place == "inputs" and i < 2:
            yield f"dropout{number}", dropout()
        yield f"fc{number}", fc
        if hidden:
            yield f"act{number}", activation(act)
        if place == "outputs" and hidden:
            yield f"dropout{number}", dropout()
        width = units


def alexnet(
    layout: AlexNetLayout,
    /,
    *,
    num_classes: Count = 1000,
    in_channels: Count = 3,
    activation: Activation = "relu",
    lrn: bool = True,
    lrn_divide_alpha: bool = False,
    overlapping_pool: bool = True,
    dropout: Probability = 0.5,
    dropout_place: DropoutPlace = "outputs",
    dropout_scaling: DropoutScaling = "plain",
    conv1_padding: CountOrZero = 2,
    without: Literal["none", "conv3", "conv4"] = "none",
    norm: NormName = "none",
    norm_groups: Count = 32,
) -> AlexNet:
    """An AlexNet of `layout`. The options:

    lrn: local response normalisation in the places of the layout; lrn_divide_alpha: alpha divided by the number of
        channels, as in Krizhevsky's code but not in the formula that the paper prints.
    overlapping_pool: windows of 3 pixels with stride 2, otherwise of 2 pixels with stride 2. The map sizes are equal.
    dropout: probability; dropout_place: at the inputs of the first two fully connected layers, or at the outputs of
        the hidden ones; dropout_scaling: "plain" multiplies by 1 - dropout in evaluation, "inverted" by
        1 / (1 - dropout) in training.
    conv1_padding: 2 for the 224 pixels that the paper states; 0 for the 227 that give its 55x55 maps unpadded.
    without: a convolution to leave out (section 7: about 2 % of top-1 error for any of the middle ones).
    norm: normalisation after every convolution, before the activation; the papers have none. norm_groups: see NormSpec.
    """
    if without != "none":
        layout = layout.without(without)
    first = replace(layout.convs[0], padding=conv1_padding)
    return AlexNet(
        replace(layout, convs=(first, *layout.convs[1:])), num_classes, in_channels, activation, lrn,
        lrn_divide_alpha, 3 if overlapping_pool else 2, partial(DROPOUTS[dropout_scaling], dropout),
        dropout_place, NormSpec(norm, norm_groups),
    )  # fmt: skip


_small = partial(
    alexnet, num_classes=10, lrn_divide_alpha=True, dropout=0.0, dropout_place="inputs", dropout_scaling="inverted"
)

NETS = {
    "alexnet": partial(alexnet, LAYOUT_2014, lrn=False, dropout_place="inputs", dropout_scaling="inverted"),
    # Deviation: LRN sums over all channels, as in the formula; in the code of the two towers, within each tower.
    "alexnet_2012": partial(alexnet, LAYOUT_2012),
    "alexnet_2012_one_gpu": partial(alexnet, LAYOUT_ONE_GPU),
    # Deviations: the last two layers of cuda-convnet's net do not share their weights between positions, ours are
    # convolutions; its initial weights (0.0001 in conv1) are for pixels of 0 to 255, ours are He et al.'s.
    # Dropout, which it does not have, is before fc5.
    "alexnet_cifar": partial(_small, LAYOUT_CIFAR),
    # Figure 1 is of "a four-layer convolutional neural network" on CIFAR-10, without regularisation. Its widths,
    # kernels, pooling, initial weights and learning rates are not published: these are the four weight layers of
    # cuda-convnet's layers-18pct, without its LRN.
    "alexnet_fig1": partial(_small, LAYOUT_FIGURE_1, lrn=False),
}
