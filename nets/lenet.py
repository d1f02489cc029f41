"""LeNet-5 as published (LeCun et al. 1998), the tutorials' LeNet, and the lectures' convolutional net for MNIST."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from nets.layers import Activation, FixedMap, activation

LeNet5Activation = Literal["scaled_tanh"] | Activation

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
    """y = w (sum of each 2x2 square) + b, with one w and one b a map: (N, C, H, W) -> (N, C, H/2, W/2).

    The paper does not say how w and b start: here as an average, w = 1/4 and b = 0.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, 1, 1), 0.25))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight * F.avg_pool2d(x, 2, divisor_override=1) + self.bias


class SparseConv(nn.Module):
    """Map i of the output is a k x k convolution of the maps table[i] of the input alone.

    Rows of `table` of equal length stand together; each such run is one convolution with as many groups.
    """

    def __init__(self, table: tuple[tuple[int, ...], ...], kernel: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList()
        for k, length in enumerate(dict.fromkeys(map(len, table))):
            rows = [row for row in table if len(row) == length]
            # A tensor on the net's device: a list would be copied there anew in every pass.
            self.register_buffer(f"reads{k}", torch.tensor([i for row in rows for i in row]), persistent=False)
            self.convs.append(nn.Conv2d(length * len(rows), len(rows), kernel, groups=len(rows)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([conv(x[:, getattr(self, f"reads{k}")]) for k, conv in enumerate(self.convs)], 1)


class RBF(nn.Module):
    """logit_i = -sum_j (x_j - code_ij)^2 with fixed codes of -1 and +1: (N, in_features) -> (N, num_classes).

    The paper's output is the distance itself; with its sign turned, cross-entropy is the criterion of its
    equation 9 without the constant "rubbish" class. Its codes are drawings of ASCII characters, published as
    a picture only; these are drawn at random, "with equal probabilities", which it names as a choice.
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


def _squash(name: str) -> nn.Module:
    return ScaledTanh() if name == "scaled_tanh" else activation(name)


def _start_as_in_appendix_a(net: nn.Module) -> None:
    """Weights of standard deviation 2.4 / (sqrt(3) fan-in): the paper's are uniform to +-2.4 / fan-in."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.init_std = 2.4 / (math.sqrt(3) * layer.weight[0].numel())


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


def lenet5(
    *,
    num_classes: int = 10,
    in_channels: int = 1,
    padding: int = 0,
    activation: LeNet5Activation = "scaled_tanh",
    subsampling: Literal["trainable", "average", "max"] = "trainable",
    c3: Literal["sparse", "full"] = "sparse",
    output: Literal["rbf", "linear"] = "rbf",
) -> LeNet:
    """LeNet-5: C1 6@5x5, S2, C3 16@5x5, S4, C5 120@5x5, F6 84, output; f behind every layer but the last.

    padding: zeros about the image, in pixels; the paper's images are 28x28 digits in 32x32 (2 pixels).
    c3: "sparse" reads the maps of Table I, "full" all six. output: see RBF; "linear" is trained, and from the
        paper's small initial weights its loss stands still for the first few hundred steps.
    Other sizes of image are brought to 5x5 maps ahead of C5. 60,000 trainable parameters, 340,908 connections.
    """
    features = {
        "c1": nn.Conv2d(in_channels, 6, 5),
        "f1": _squash(activation),
        "s2": SUBSAMPLINGS[subsampling](6),
        "f2": _squash(activation),
        "c3": C3_LAYERS[c3](),
        "f3": _squash(activation),
        "s4": SUBSAMPLINGS[subsampling](16),
        "f4": _squash(activation),
        "resize": FixedMap(5),
        "c5": nn.Conv2d(16, 120, 5),
        "f5": _squash(activation),
    }
    classifier = {"f6": nn.Linear(120, 84), "squash6": _squash(activation), "output": OUTPUTS[output](84, num_classes)}
    net = LeNet(padding, features, classifier)
    _start_as_in_appendix_a(net)
    return net


def lenet(*, num_classes: int = 10, in_channels: int = 1, padding: int = 0, activation: Activation = "relu") -> LeNet:
    """The tutorials' LeNet: conv 6@5x5 - f - pool - conv 16@5x5 - f - pool - fc 120 - f - fc 84 - f - fc.

    PyTorch's "Neural Networks" tutorial (images of 32x32; 28x28 with padding=2), f = ReLU, max pooling.
    61,706 parameters. Other sizes of image are brought to 5x5 maps ahead of the first fc.
    """
    features = {
        "conv1": nn.Conv2d(in_channels, 6, 5),
        "act1": _squash(activation),
        "pool1": nn.MaxPool2d(2),
        "conv2": nn.Conv2d(6, 16, 5),
        "act2": _squash(activation),
        "pool2": nn.MaxPool2d(2),
        "resize": FixedMap(5),
    }
    classifier = {
        "fc1": nn.Linear(16 * 5 * 5, 120),
        "act3": _squash(activation),
        "fc2": nn.Linear(120, 84),
        "act4": _squash(activation),
        "fc3": nn.Linear(84, num_classes),
    }
    return LeNet(padding, features, classifier)


def mnist_cnn(
    *, num_classes: int = 10, in_channels: int = 1, padding: int = 0, activation: Activation = "relu"
) -> LeNet:
    """The lectures' basic net: conv 10@5x5 - pool - ReLU - conv 20@5x5 - pool - ReLU - fc, for 28x28.

    Liu Er, "PyTorch Deep Learning Practice", lecture 10. 8,490 parameters. Other sizes of image are brought
    to 4x4 maps ahead of fc.
    """
    features = {
        "conv1": nn.Conv2d(in_channels, 10, 5),
        "pool1": nn.MaxPool2d(2),
        "act1": _squash(activation),
        "conv2": nn.Conv2d(10, 20, 5),
        "pool2": nn.MaxPool2d(2),
        "act2": _squash(activation),
        "resize": FixedMap(4),
    }
    return LeNet(padding, features, {"fc": nn.Linear(20 * 4 * 4, num_classes)})


NETS = {"lenet5": lenet5, "lenet": lenet, "mnist_cnn": mnist_cnn}
