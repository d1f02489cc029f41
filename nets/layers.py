"""The small pieces that the families share: activations by name, initialisation rules, LRN, maps of one size."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import nn

Activation = Literal["relu", "prelu", "leaky_relu", "rrelu", "sigmoid", "tanh", "elu", "gelu", "silu"]
Init = Literal["he_fan_out", "he_fan_in", "xavier", "normal_0.01", "torch"]
GeneratorOf = Callable[[str], torch.Generator | None]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "prelu": nn.PReLU,
    "leaky_relu": nn.LeakyReLU,
    "rrelu": nn.RReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}


def activation(name: str) -> nn.Module:
    """A new activation layer. Raises ValueError, with the known names, for any other."""
    if name not in ACTIVATIONS:
        raise ValueError(f"unknown activation {name!r}; choose from {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]()


class LocalResponseNorm(nn.Module):
    """b_i = a_i / (k + alpha * sum_j a_j^2)^beta over the `size` maps j about i, fewer at the ends.

    (N, C, H, W) -> the same. Krizhevsky et al. 2012, section 3.3, where j runs from i - size/2 to i + size/2.
    With alpha divided by `size` it is nn.LocalResponseNorm, whose backward pass has no deterministic form on
    CUDA (it pools in three dimensions) and takes two to three times as long on a CPU.
    """

    def __init__(self, size: int, alpha: float, beta: float, k: float) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        before = self.size // 2
        squares = F.pad(x * x, (0, 0, 0, 0, before, self.size - 1 - before))
        total = sum(squares[:, i : i + x.shape[1]] for i in range(self.size))
        return x * (self.k + self.alpha * total) ** -self.beta

    def extra_repr(self) -> str:
        return f"size={self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def local_response_norm(
    size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0, divide_alpha: bool = False
) -> LocalResponseNorm:
    """Local response normalisation with the constants of Krizhevsky et al. 2012, section 3.3.

    PyTorch and Krizhevsky's own cuda-convnet divide alpha by `size`; the formula as printed does not.
    Which of the two the paper's constants mean is not settled: `divide_alpha=False` is the printed formula.
    """
    return LocalResponseNorm(size, alpha / size if divide_alpha else alpha, beta, k)


class FixedMap(nn.Module):
    """Maps of any size averaged (or, where smaller, repeated) to size x size: y = R x C^T.

    (N, C, H, W) -> (N, C, size, size), as nn.AdaptiveAvgPool2d, whose backward pass has no deterministic form
    on CUDA. Maps of that size are left alone.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height, width = x.shape[2:]
        if height == width == self.size:
            return x
        return self._averages(height, x) @ x @ self._averages(width, x).T

    def _averages(self, pixels: int, like: torch.Tensor) -> torch.Tensor:
        """(size, pixels): row i averages the pixels from floor(i p / size) to ceil((i + 1) p / size)."""
        i = torch.arange(self.size, device=like.device)[:, None]
        pixel = torch.arange(pixels, device=like.device)
        inside = (pixel * self.size > i * pixels - self.size) & (pixel * self.size < (i + 1) * pixels)
        ones = inside.to(like.dtype)
        return ones / ones.sum(1, keepdim=True)

    def extra_repr(self) -> str:
        return f"size={self.size}"


def _fan_in(weight: torch.Tensor) -> int:
    return math.prod(weight.shape[1:])


def _fan_out(weight: torch.Tensor) -> int:
    return weight.shape[0] * math.prod(weight.shape[2:])


def _fan_out_std(weight: torch.Tensor) -> float:
    """Of a linear layer: that of Torch's own U(-1/sqrt(fan_in), 1/sqrt(fan_in)), which both codes leave in place."""
    return _gain_over_fan(_fan_out, weight) if weight.ndim == 4 else math.sqrt(1 / (3 * _fan_in(weight)))


def _gain_over_fan(fan: Callable[[torch.Tensor], int], weight: torch.Tensor) -> float:
    return math.sqrt(2 / fan(weight))


# Standard deviation of a weight under each rule; "torch" leaves PyTorch's own (uniform, fan-in) in place.
INIT_STD: dict[str, Callable[[torch.Tensor], float]] = {
    "he_fan_out": _fan_out_std,  # He 2015, eq. 14; fb.resnet.torch, resnet-1k-layers
    "he_fan_in": partial(_gain_over_fan, _fan_in),  # He 2015, eq. 10
    "xavier": lambda weight: math.sqrt(2 / (_fan_in(weight) + _fan_out(weight))),  # Glorot 2010, eq. 12
    "normal_0.01": lambda weight: 0.01,  # Krizhevsky 2012, section 5
}


@torch.no_grad()
def initialise(net: nn.Module, generator_of: GeneratorOf = lambda name: None, rule: Init | None = None) -> None:
    """Draw every convolution's and linear layer's weight from N(0, std(rule)^2); set biases and norms.

    `generator_of(parameter name)` gives the random stream of one parameter, so that equal names and shapes
    start from equal values in every variant (None: PyTorch's global stream). `rule` overrides `net.init`,
    the rule of the family's paper. Biases start at 0 and norms at (1, 0), unless a layer says otherwise in
    its attributes `bias_init`, `weight_init` (a constant) or `init_std`.
    Raises ValueError for an unknown rule.
    """
    rule = rule or getattr(net, "init", "he_fan_out")
    if rule not in get_args(Init):
        raise ValueError(f"unknown init {rule!r}; choose from {', '.join(get_args(Init))}")
    for name, module in net.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            _initialise_weighted(module, name, generator_of, rule)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            if module.affine:
                module.weight.fill_(getattr(module, "weight_init", 1.0))
                module.bias.fill_(getattr(module, "bias_init", 0.0))


def _initialise_weighted(module: nn.Conv2d | nn.Linear, name: str, generator_of: GeneratorOf, rule: str) -> None:
    generator = generator_of(f"{name}.weight")
    std = getattr(module, "init_std", None)
    if rule == "torch" and std is None:
        bound = 1 / math.sqrt(_fan_in(module.weight))  # what reset_parameters of both layers comes to
        module.weight.uniform_(-bound, bound, generator=generator)
        if module.bias is not None:
            module.bias.uniform_(-bound, bound, generator=generator_of(f"{name}.bias"))
    else:
        module.weight.normal_(0, INIT_STD[rule](module.weight) if std is None else std, generator=generator)
        if module.bias is not None:
            module.bias.zero_()
    if module.bias is not None and hasattr(module, "bias_init"):
        module.bias.fill_(module.bias_init)
