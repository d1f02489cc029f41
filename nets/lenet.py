"""LeNet-5 as published (LeCun et al. 1998), the tutorials' LeNet, and the lectures' convolutional net for MNIST."""

from __future__ import annotations

import math
from collections import ChainMap, OrderedDict
from collections.abc import Callable
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import nn

from nets.initialisation import starting_from
from nets.layers import ACTIVATIONS, Activation, AdaptiveAvgPool
from nets.norms import NormName, NormSpec
from nets.options import Count, CountOrZero, OneOf

# Table I: the maps of S2 that each of the sixteen maps of C3 reads.
C3_TABLE = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)  # fmt: skip


class ScaledTanh(nn.Module):
    """y = 1.7159 tanh(2x / 3), so that f(1) = 1 and f(-1) = -1 (appendix A)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 1.7159 * torch.tanh(2 / 3 * x)


class Subsampling(nn.Module):
    """y = w (sum of each 2x2 square) + b, with one w and one b per channel: (N, C, H, W) -> (N, C, H/2, W/2).

    The paper does not give the initial w and b: here w = 1/4 and b = 0, the average.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, 1, 1), 0.25))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight * F.avg_pool2d(x, 2, divisor_override=1) + self.bias


class SparseConv(nn.Module):
    """Map i of the output is a k x k convolution of the maps table[i] of the input alone.

    Rows of `table` of equal length are adjacent; each such run is one convolution with as many groups.
    """

    def __init__(self, table: tuple[tuple[int, ...], ...], kernel: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList()
        for k, length in enumerate(dict.fromkeys(map(len, table))):
            rows = [row for row in table if len(row) == length]
            # A tensor on the net's device: a list would be copied there in every pass.
            self.register_buffer(f"reads{k}", torch.tensor([i for row in rows for i in row]), persistent=False)
            self.convs.append(nn.Conv2d(length * len(rows), len(rows), kernel, groups=len(rows)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([conv(x[:, getattr(self, f"reads{k}")]) for k, conv in enumerate(self.convs)], 1)


class RBF(nn.Module):
    """logit_i = -sum_j (x_j - code_ij)^2 with fixed codes of -1 and +1: (N, in_features) -> (N, num_classes).

    The paper's output is the distance itself; with the opposite sign, cross-entropy is the criterion of its equation 9
    without the constant "rubbish" class. Its codes are drawings of ASCII characters, published only as a picture;
    these are drawn at random, "with equal probabilities", which the paper names as an alternative.
    """

    codes: torch.Tensor

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__()
        stream = torch.Generator().manual_seed(1998)
        bits = torch.randint(0, 2, (num_classes, in_features), generator=stream, device="cpu")
        self.register_buffer("codes", torch.empty(num_classes, in_features))
        self.codes.copy_(2 * bits - 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return -(x[:, None] - self.codes).square().sum(2)


class LeNet(nn.Module):
    """logits = classifier(features(pad(x)))."""

    init = "torch"

    def __init__(self, padding: int, features: dict[str, nn.Module], classifier: dict[str, nn.Module]) -> None:
        super().__init__()
        self.pad = nn.ZeroPad2d(padding)
        self.features = nn.Sequential(OrderedDict(features))
        self.classifier = nn.Sequential(OrderedDict(classifier))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(self.pad(x)).flatten(1))


def _set_initial_std(net: nn.Module) -> None:
    """2.4 / (sqrt(3) fan-in) for every weight, as appendix A, where weights are uniform up to +-2.4 / fan-in."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            starting_from(layer, init_std=2.4 / (math.sqrt(3) * layer.weight[0].numel()))


SQUASHES: ChainMap[str, Callable[[], nn.Module]] = ChainMap({"scaled_tanh": ScaledTanh}, ACTIVATIONS)
OUTPUTS: dict[str, Callable[[int, int], nn.Module]] = {"rbf": RBF, "linear": nn.Linear}
SUBSAMPLINGS: dict[str, Callable[[int], nn.Module]] = {
    "trainable": Subsampling,
    "average": lambda channels: nn.AvgPool2d(2),
    "max": lambda channels: nn.MaxPool2d(2),
}
C3_LAYERS: dict[str, Callable[[], nn.Module]] = {
    "sparse": lambda: SparseConv(C3_TABLE, 5),
    "full": lambda: nn.Conv2d(6, 16, 5),
}


def _conv(number: int, in_channels: int, out_channels: int, norm: NormSpec) -> dict[str, nn.Module]:
    """A 5x5 convolution, and its normalisation, which replaces the bias, if there is one."""
    conv = nn.Conv2d(in_channels, out_channels, 5, bias=not norm.normalises)
    return {f"conv{number}": conv, **({f"bn{number}": norm.layer(out_channels)} if norm.normalises else {})}


def lenet5(
    *,
    num_classes: Count = 10,
    in_channels: Count = 1,
    padding: CountOrZero = 0,
    activation: Annotated[str, OneOf(SQUASHES)] = "scaled_tanh",
    subsampling: Annotated[str, OneOf(SUBSAMPLINGS)] = "trainable",
    c3: Annotated[str, OneOf(C3_LAYERS)] = "sparse",
    output: Annotated[str, OneOf(OUTPUTS)] = "rbf",
) -> LeNet:
    """LeNet-5: C1 6@5x5, S2, C3 16@5x5, S4, C5 120@5x5, F6 84, output; f after every layer but the last.

    padding: zeros around the image, in pixels; the paper's images are 28x28 digits in 32x32 (2 pixels).
    c3: "sparse" reads the maps of Table I, "full" all six. output: see RBF; "linear" is trained, and from the paper's
        small initial weights its loss does not change for the first few hundred steps.
    Images of other sizes give maps that are pooled to 5x5 before C5. 60,000 trainable parameters, 340,908 connections.
    It has no normalisation, nor an option for one.
    """
    features = {
        "c1": nn.Conv2d(in_channels, 6, 5),
        "f1": SQUASHES[activation](),
        "s2": SUBSAMPLINGS[subsampling](6),
        "f2": SQUASHES[activation](),
        "c3": C3_LAYERS[c3](),
        "f3": SQUASHES[activation](),
        "s4": SUBSAMPLINGS[subsampling](16),
        "f4": SQUASHES[activation](),
        "resize": AdaptiveAvgPool(5),
        "c5": nn.Conv2d(16, 120, 5),
        "f5": SQUASHES[activation](),
    }
    classifier = {
        "f6": nn.Linear(120, 84),
        "squash6": SQUASHES[activation](),
        "output": OUTPUTS[output](84, num_classes),
    }
    net = LeNet(padding, features, classifier)
    _set_initial_std(net)
    return net


def lenet(
    *,
    num_classes: Count = 10,
    in_channels: Count = 1,
    padding: CountOrZero = 0,
    activation: Activation = "relu",
    norm: NormName = "none",
    norm_groups: Count = 32,
) -> LeNet:
    """The tutorials' LeNet: conv 6@5x5 - f - pool - conv 16@5x5 - f - pool - fc 120 - f - fc 84 - f - fc.

    PyTorch's "Neural Networks" tutorial (images of 32x32; 28x28 with padding=2), f = ReLU, max pooling.
    61,706 parameters. Images of other sizes give maps that are pooled to 5x5 before the first fc.
    norm: normalisation after both convolutions; the tutorial has none. norm_groups: see NormSpec.
    """
    spec = NormSpec(norm, norm_groups)
    features = {
        **_conv(1, in_channels, 6, spec),
        "act1": ACTIVATIONS[activation](),
        "pool1": nn.MaxPool2d(2),
        **_conv(2, 6, 16, spec),
        "act2": ACTIVATIONS[activation](),
        "pool2": nn.MaxPool2d(2),
        "resize": AdaptiveAvgPool(5),
    }
    classifier = {
        "fc1": nn.Linear(16 * 5 * 5, 120),
        "act3": ACTIVATIONS[activation](),
        "fc2": nn.Linear(120, 84),
        "act4": ACTIVATIONS[activation](),
        "fc3": nn.Linear(84, num_classes),
    }
    return LeNet(padding, features, classifier)


def mnist_cnn(
    *,
    num_classes: Count = 10,
    in_channels: Count = 1,
    padding: CountOrZero = 0,
    activation: Activation = "relu",
    norm: NormName = "none",
    norm_groups: Count = 32,
) -> LeNet:
    """The lectures' basic net: conv 10@5x5 - pool - ReLU - conv 20@5x5 - pool - ReLU - fc, for 28x28.

    Liu Er, "PyTorch Deep Learning Practice", lecture 10. 8,490 parameters. Images of other sizes give maps that are
    pooled to 4x4 before fc. norm: normalisation after both convolutions; the lecture has none.
    """
    spec = NormSpec(norm, norm_groups)
    features = {
        **_conv(1, in_channels, 10, spec),
        "pool1": nn.MaxPool2d(2),
        "act1": ACTIVATIONS[activation](),
        **_conv(2, 10, 20, spec),
        "pool2": nn.MaxPool2d(2),
        "act2": ACTIVATIONS[activation](),
        "resize": AdaptiveAvgPool(4),
    }
    return LeNet(padding, features, {"fc": nn.Linear(20 * 4 * 4, num_classes)})


NETS = {"lenet5": lenet5, "lenet": lenet, "mnist_cnn": mnist_cnn}
