"""AlexNet: two towers (Krizhevsky et al. 2012), one tower (Krizhevsky 2014), and its nets for 32x32 images."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Literal

import torch
from torch import nn

from nets.alexnet_plans import PLAN_2012, PLAN_2014, PLAN_CIFAR, PLAN_FIGURE_1, PLAN_ONE_GPU, Plan
from nets.layers import Activation, FixedMap, activation, local_response_norm

DropoutPlace = Literal["inputs", "outputs"]


class PlainDropout(nn.Dropout):
    """Values are dropped in training and multiplied by 1 - p in evaluation (section 4.2 of the paper)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (1 - self.p) * super().forward(x)


DROPOUTS: dict[str, type[nn.Dropout]] = {"inverted": nn.Dropout, "plain": PlainDropout}
POOLINGS: dict[str, type[nn.Module]] = {"m": nn.MaxPool2d, "a": nn.AvgPool2d}


class AlexNet(nn.Module):
    """logits = classifier(resize(features(x))), with features conv-activation[-LRN][-pool], row by row of the plan.

    `resize` averages maps of any size to the plan's and is the identity at the paper's image size. The three
    unpadded poolings need images of 63 pixels or more (alexnet_cifar: 4, alexnet_fig1: 8).
    """

    def __init__(
        self,
        plan: Plan,
        num_classes: int,
        in_channels: int,
        act: str,
        lrn: bool,
        divide_alpha: bool,
        pool_size: int,
        dropout: Callable[[], nn.Dropout],
        dropout_place: DropoutPlace,
    ) -> None:
        super().__init__()
        self.init = plan.init
        features: OrderedDict[str, nn.Module] = OrderedDict()
        channels = in_channels
        for row in plan.convs:
            number = row.name.removeprefix("conv")
            conv = nn.Conv2d(channels, row.out_channels, row.kernel, row.stride, row.padding, groups=row.groups)
            if row.bias is not None:
                conv.bias_init = row.bias
            features[row.name], features[f"act{number}"] = conv, activation(act)
            for step in row.after if lrn else row.after.replace("n", ""):
                if step == "n":
                    norm = plan.norm
                    features[f"lrn{number}"] = local_response_norm(
                        norm.size, norm.alpha, norm.beta, norm.k, divide_alpha
                    )
                else:
                    features[f"pool{number}"] = POOLINGS[step](pool_size, 2, ceil_mode=plan.ceil_mode)
            channels = row.out_channels
        self.features = nn.Sequential(features)
        self.resize = FixedMap(plan.map_size)
        self.classifier = nn.Sequential(
            OrderedDict(_classifier(plan, channels, num_classes, act, dropout, dropout_place))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.resize(self.features(x)).flatten(1))


def _classifier(
    plan: Plan, channels: int, num_classes: int, act: str, dropout: Callable[[], nn.Dropout], place: DropoutPlace
) -> Iterator[tuple[str, nn.Module]]:
    """fc - activation for every hidden layer, then fc; dropout ahead of the first two, or behind the hidden."""
    width = channels * plan.map_size**2
    for i, units in enumerate((*plan.hidden, num_classes)):
        number = plan.first_fc + i
        fc = nn.Linear(width, units)
        hidden = i < len(plan.hidden)
        if hidden and plan.hidden_bias is not None:
            fc.bias_init = plan.hidden_bias
        if place == "inputs" and i < 2:
            yield f"dropout{number}", dropout()
        yield f"fc{number}", fc
        if hidden:
            yield f"act{number}", activation(act)
        if place == "outputs" and hidden:
            yield f"dropout{number}", dropout()
        width = units


def alexnet(
    plan: Plan,
    /,
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    activation: Activation = "relu",
    lrn: bool = True,
    lrn_divide_alpha: bool = False,
    overlapping_pool: bool = True,
    dropout: float = 0.5,
    dropout_place: DropoutPlace = "outputs",
    dropout_scaling: Literal["plain", "inverted"] = "plain",
    conv1_padding: int = 2,
    without: Literal["none", "conv3", "conv4"] = "none",
) -> AlexNet:
    """An AlexNet of `plan`. The options:

    lrn: local response normalisation where the plan has it; lrn_divide_alpha: alpha divided by the number of
        maps, as Krizhevsky's code does, and not as the paper's formula is printed.
    overlapping_pool: windows of 3 pixels, stride 2; otherwise of 2 pixels, stride 2. The maps are equal.
    dropout: probability; dropout_place: at the inputs of the first two fully connected layers, or at the
        outputs of the hidden ones; dropout_scaling: "plain" scales by 1 - dropout in evaluation, "inverted"
        by 1 / (1 - dropout) in training.
    conv1_padding: 2 for the 224 pixels that the paper states; 0 for the 227 that give its 55x55 maps unpadded.
    without: a convolution left out (section 7: about 2 % of top-1 error for any of the middle ones).
    """
    if without != "none":
        plan = plan.without(without)
    first = replace(plan.convs[0], padding=conv1_padding)
    return AlexNet(
        replace(plan, convs=(first, *plan.convs[1:])), num_classes, in_channels, activation, lrn,
        lrn_divide_alpha, 3 if overlapping_pool else 2, partial(DROPOUTS[dropout_scaling], dropout),
        dropout_place,
    )  # fmt: skip


_small = partial(
    alexnet, num_classes=10, lrn_divide_alpha=True, dropout=0.0, dropout_place="inputs", dropout_scaling="inverted"
)

NETS = {
    "alexnet": partial(alexnet, PLAN_2014, lrn=False, dropout_place="inputs", dropout_scaling="inverted"),
    # Deviation: LRN sums over all maps, as the formula says; in the two towers' code it stops between them.
    "alexnet_2012": partial(alexnet, PLAN_2012),
    "alexnet_2012_one_gpu": partial(alexnet, PLAN_ONE_GPU),
    # Deviations: cuda-convnet's last two layers do not share their weights between positions, ours are
    # convolutions; its initial weights (0.0001 in conv1) are for pixels of 0 to 255, ours are He et al.'s.
    # Dropout, which it has not, stands ahead of fc5.
    "alexnet_cifar": partial(_small, PLAN_CIFAR),
    # Figure 1 is said to be of "a four-layer convolutional neural network" on CIFAR-10, without regularisation.
    # Its widths, kernels, pooling, initial weights and learning rates are not published: these are the four
    # weight layers of cuda-convnet's layers-18pct, without its LRN.
    "alexnet_fig1": partial(_small, PLAN_FIGURE_1, lrn=False),
}
