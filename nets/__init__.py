"""Architectures, by name and option: `build("resnet110", order="full_preact")`."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib import import_module
from typing import Any

from torch import nn

from nets.layers import initialise
from nets.options import Option, options_of_builder

__all__ = ["Option", "build", "initialise", "names", "options_of"]

# Each family keeps a table `NETS` of name -> builder: a function whose keyword-only parameters are the options,
# each with type and default. A preset is a `functools.partial`: by position fixed, by keyword a new default.
FAMILIES = (
    "resnet",
    "inception.v3",
    "inception.v4",
    "inception.resnet",
    "alexnet",
    "densenet",
    "mobilenet",
    "lenet",
    "inception.googlenet",
    "inception.bn",
    "inception.mnist",
    "mnist_resnet",
)


def _builders() -> dict[str, Callable[..., nn.Module]]:
    return {name: make for family in FAMILIES for name, make in import_module(f"nets.{family}").NETS.items()}


def names() -> tuple[str, ...]:
    """The nets that `build` knows, family by family."""
    return tuple(_builders())


def _builder(name: str) -> Callable[..., nn.Module]:
    known = _builders()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ValueError(f"unknown net {name!r}; {hint}choose from {', '.join(known)}")
    return known[name]


def options_of(name: str) -> dict[str, Option]:
    """The options of a net with default and type. Raises ValueError for an unknown net."""
    return options_of_builder(_builder(name))


def build(name: str, **options: Any) -> nn.Module:
    """The net `name`, with its paper's initial weights drawn from PyTorch's global random stream.

    Forward takes (N, C, H, W) and returns logits (N, num_classes). A wrong name, option or value raises
    ValueError that lists the right ones.
    """
    make, known = _builder(name), options_of(name)
    for option, value in options.items():
        if option not in known:
            raise ValueError(f"{name} has no option {option!r}; it has {', '.join(known)}")
        if not known[option].accepts(value):
            raise ValueError(f"{name}: {option} cannot be {value!r}; it takes {known[option]}")
    net = make(**options)
    initialise(net)
    return net
