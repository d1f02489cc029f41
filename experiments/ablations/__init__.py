"""Declarations, one per file. `load("resnet_preact")` or `load("path/to/mine.py")` gives one, checked."""

from __future__ import annotations

import dataclasses
import difflib
import pkgutil
from importlib import import_module
from pathlib import Path

from experiments import user_file
from experiments.ablation import Ablation, check_ablation
from experiments.datasets import DataError
from experiments.spec import SpecError


def loaded_files() -> tuple[Path, ...]:
    """The users' files that this process has loaded, in order: what they register, its workers need too."""
    return tuple(Path(file.path) for file in user_file.imported())


def names() -> tuple[str, ...]:
    """The ablations that can be run by name."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def load(name: str) -> Ablation:
    """The ablation of that name, or the one that the file of that path defines, checked. Raises SpecError, one line."""
    if is_file(name):
        return load_file(name)
    return check_ablation(declared(name))


def is_file(name: str) -> bool:
    """Whether a name means a person's own file."""
    return name.endswith(".py") or "/" in name


def declared(name: str) -> Ablation:
    """The declaration in `experiments/ablations/<name>.py`, not checked: quick, since PyTorch is not imported."""
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise SpecError(
            f"unknown ablation {name!r}; {hint}choose from {', '.join(names())}, or give a file: path/to/mine.py"
        )
    return import_module(f"{__name__}.{name}").ABLATION


def load_file(path: str | Path) -> Ablation:
    """The ABLATION that a user's own file defines, checked, after all that it registers is known.

    Raises SpecError, one line, with the line at fault.
    """
    file = user_file.identify(path)
    ablation = getattr(user_file.import_file(file), user_file.DECLARATION, None)
    if not isinstance(ablation, Ablation):
        found = "no ABLATION" if ablation is None else f"an ABLATION that is a {type(ablation).__name__}"
        raise SpecError(f"{path} defines {found}; it must say ABLATION = Ablation(...)")
    try:
        return check_ablation(dataclasses.replace(ablation, file=file))
    except (SpecError, DataError) as error:
        line = user_file.line_of_declaration(Path(file.path))
        raise SpecError(f"{path}, line {line}: {error}") from None
