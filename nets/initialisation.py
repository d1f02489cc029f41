"""Initial weights: the papers' rules by name, and how a whole net is initialised."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeVar

import torch
from torch import nn

from nets.norms import NORM_LAYERS
from nets.options import OneOf

Layer = TypeVar("Layer", bound=nn.Module)
GeneratorOf = Callable[[str], torch.Generator | None]


def _fan_in(weight: torch.Tensor) -> int:
    return math.prod(weight.shape[1:])


def _fan_out(weight: torch.Tensor) -> int:
    return weight.shape[0] * math.prod(weight.shape[2:])


def _gain_over_fan(fan: Callable[[torch.Tensor], int], weight: torch.Tensor) -> float:
    return math.sqrt(2 / fan(weight))


def _fan_out_std(weight: torch.Tensor) -> float:
    """Linear layers keep the standard deviation of Torch's own U(-1/sqrt(fan_in), 1/sqrt(fan_in)), as both codes do."""
    return _gain_over_fan(_fan_out, weight) if weight.ndim > 2 else math.sqrt(1 / (3 * _fan_in(weight)))


# The standard deviation of a weight under each rule; None: PyTorch's own uniform distribution, by fan-in.
INITS: dict[str, Callable[[torch.Tensor], float] | None] = {
    "he_fan_out": _fan_out_std,  # He 2015, eq. 14; fb.resnet.torch, resnet-1k-layers
    "he_fan_in": partial(_gain_over_fan, _fan_in),  # He 2015, eq. 10
    "xavier": lambda weight: math.sqrt(2 / (_fan_in(weight) + _fan_out(weight))),  # Glorot 2010, eq. 12
    "normal_0.01": lambda weight: 0.01,  # Krizhevsky 2012, section 5
    "torch": None,
}
Init = Annotated[str, OneOf(INITS)]

Weighted = nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear


def starting_from(layer: Layer, **values: float) -> Layer:
    """`layer` with initial values of its own: `bias_init`, `weight_init` (constants) or `init_std` (of the weight)."""
    for name, value in values.items():
        setattr(layer, name, value)
    return layer


@torch.no_grad()
def initialise(net: nn.Module, generator_of: GeneratorOf = lambda name: None, rule: Init | None = None) -> None:
    """Draw the weight of every convolution and linear layer from N(0, std(rule)^2); set biases and norms.

    `rule` overrides `net.init`, the rule of the family's paper. A net without `init` keeps all values that its
    constructor gave it, unless `rule` is given: then its convolutions and linear layers are drawn, nothing else.
    `generator_of(parameter name)` returns the random stream of one parameter, so that equal names and shapes start
    from equal values in every variant (None: PyTorch's global stream). Biases start at 0 and norms at (1, 0),
    unless the layer says otherwise (see `starting_from`).
    Raises ValueError for an unknown rule.
    """
    own = getattr(net, "init", None)
    rule = rule or own
    if rule is None:
        return
    if rule not in INITS:
        raise ValueError(f"unknown init {rule!r}; choose from {', '.join(INITS)}")
    for name, module in net.named_modules():
        if isinstance(module, Weighted):
            _initialise_weighted(module, name, generator_of, INITS[rule])
        elif own and isinstance(module, NORM_LAYERS):
            _initialise_norm(module)


def _initialise_norm(module: nn.Module) -> None:
    if isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d):
        module.reset_running_stats()
    if isinstance(module.weight, torch.Tensor):
        module.weight.fill_(float(getattr(module, "weight_init", 1.0)))
    if isinstance(module.bias, torch.Tensor):
        module.bias.fill_(float(getattr(module, "bias_init", 0.0)))


def _initialise_weighted(
    module: Weighted, name: str, generator_of: GeneratorOf, rule: Callable[[torch.Tensor], float] | None
) -> None:
    generator = generator_of(f"{name}.weight")
    std = getattr(module, "init_std", None)
    if std is None and rule is not None:
        std = rule(module.weight)
    if std is None:
        bound = 1 / math.sqrt(_fan_in(module.weight))  # equal to reset_parameters of both layers
        module.weight.uniform_(-bound, bound, generator=generator)
        if module.bias is not None:
            module.bias.uniform_(-bound, bound, generator=generator_of(f"{name}.bias"))
    else:
        module.weight.normal_(0, std, generator=generator)
        if module.bias is not None:
            module.bias.zero_()
    bias = getattr(module, "bias_init", None)
    if module.bias is not None and bias is not None:
        module.bias.fill_(bias)
