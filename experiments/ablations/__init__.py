"""One file an ablation. `load("resnet_preact")` gives its declaration; `names()` lists what there is."""

from __future__ import annotations

import difflib
import pkgutil
from importlib import import_module

from experiments.ablation import Ablation
from experiments.spec import SpecError


def names() -> tuple[str, ...]:
    """The ablations that can be run by name."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def load(name: str) -> Ablation:
    """The declaration in `experiments/ablations/<name>.py`. Raises SpecError with the known names."""
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise SpecError(f"unknown ablation {name!r}; {hint}choose from {', '.join(names())}")
    return import_module(f"{__name__}.{name}").ABLATION
