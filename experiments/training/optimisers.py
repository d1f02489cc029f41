"""Optimisers, one row each of OPTIMISERS; which parameters are decayed, one row each of DECAYED."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from experiments.spec import Recipe, RunSpec

Decays = Callable[[nn.Module, str], bool]


def _is_depthwise(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1


# Which parameters are decayed: module and parameter name -> yes or no.
DECAYED: dict[str, Decays] = {
    "conv": lambda module, name: name == "weight" and isinstance(module, nn.Conv2d),
    "weights": lambda module, name: name == "weight" and isinstance(module, nn.Conv2d | nn.Linear),
    "not_depthwise": lambda module, name: DECAYED["weights"](module, name) and not _is_depthwise(module),
    "all": lambda module, name: True,
}


def make_optimiser(net: nn.Module, spec: RunSpec) -> torch.optim.Optimizer:
    """The recipe's optimiser, with weight decay on the parameters that `recipe.decay` names and on no others."""
    recipe = spec.recipe
    decayed = {
        id(parameter)
        for module in net.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if DECAYED[recipe.decay](module, name)
    }
    groups = [
        {"params": [p for p in net.parameters() if (id(p) in decayed) == chosen], "weight_decay": decay}
        for chosen, decay in ((True, recipe.weight_decay), (False, 0.0))
    ]
    groups = [group for group in groups if group["params"]]
    return OPTIMISERS[recipe.optimiser].make(groups, recipe)


class RMSProp(torch.optim.Optimizer):
    """s = decay s + (1 - decay) g^2;  v = momentum v + lr g / sqrt(s + eps);  w = w - v, with s = 1 at the start.

    g includes weight_decay * w. This is TensorFlow's form, for which the Inception papers give eps = 1.0; PyTorch's
    has eps outside the root, s = 0 at the start, and lr outside the momentum.
    """

    def __init__(
        self, params: Iterable[Any], lr: float, momentum: float, decay: float, eps: float, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        self.momentum, self.decay, self.eps = momentum, decay, eps

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One update. Gradients are computed beforehand: a closure is not called."""
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if not params:
                continue
            for p in params:
                if not self.state[p]:
                    self.state[p] = {"square": torch.ones_like(p), "velocity": torch.zeros_like(p)}
            squares, velocities = ([self.state[p][name] for p in params] for name in ("square", "velocity"))
            gradients = [p.grad for p in params]
            if group["weight_decay"]:
                gradients = torch._foreach_add(gradients, params, alpha=group["weight_decay"])
            torch._foreach_mul_(squares, self.decay)
            torch._foreach_addcmul_(squares, gradients, gradients, 1 - self.decay)
            roots = torch._foreach_sqrt(torch._foreach_add(squares, self.eps))
            torch._foreach_mul_(velocities, self.momentum)
            torch._foreach_addcdiv_(velocities, gradients, roots, group["lr"])
            torch._foreach_sub_(params, velocities)


Groups = list[dict[str, Any]]


@dataclass(frozen=True)
class Optimiser:
    """make(parameter groups, recipe): each group has its own weight_decay.

    recordable: its step can be part of a CUDA graph, that is, it keeps no numbers on the CPU.
    """

    make: Callable[[Groups, Recipe], torch.optim.Optimizer]
    recordable: bool = False


def _adam(kind: type[torch.optim.Optimizer], **options: Any) -> Optimiser:
    """PyTorch's own; beta1 is recipe.momentum."""

    def make(groups: Groups, recipe: Recipe) -> torch.optim.Optimizer:
        betas = (recipe.momentum, recipe.adam_beta2)
        return kind(groups, lr=recipe.learning_rate, betas=betas, eps=recipe.adam_eps, **options)  # ty: ignore

    return Optimiser(make)


OPTIMISERS: dict[str, Optimiser] = {
    "sgd": Optimiser(
        lambda groups, recipe: torch.optim.SGD(groups, recipe.learning_rate, recipe.momentum, nesterov=recipe.nesterov),
        recordable=True,
    ),
    "rmsprop": Optimiser(
        lambda groups, recipe: RMSProp(
            groups, recipe.learning_rate, recipe.momentum, recipe.rmsprop_decay, recipe.rmsprop_eps
        ),
        recordable=True,
    ),
    "adam": _adam(torch.optim.Adam),  # Kingma & Ba 2015; weight decay is added to the gradient
    "adamw": _adam(torch.optim.AdamW),  # Loshchilov & Hutter 2019; weight decay apart from the gradient
    "nadam": _adam(torch.optim.NAdam, decoupled_weight_decay=True),  # Dozat 2016
    "radam": _adam(torch.optim.RAdam, decoupled_weight_decay=True),  # Liu et al. 2020
}
