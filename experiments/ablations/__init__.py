"""One file an ablation. `load("resnet_preact")` or `load("path/to/mine.py")` gives a declaration."""

from __future__ import annotations

import difflib
import importlib.util
import pkgutil
import traceback
from importlib import import_module
from pathlib import Path

from experiments.ablation import Ablation
from experiments.spec import SpecError


def names() -> tuple[str, ...]:
    """The ablations that can be run by name."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def load(name: str) -> Ablation:
    """The declaration in `experiments/ablations/<name>.py`, or in the file of that path. Raises SpecError, one line."""
    if name.endswith(".py") or "/" in name:
        return load_file(Path(name).expanduser())
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise SpecError(
            f"unknown ablation {name!r}; {hint}choose from {', '.join(names())}, or give a file: path/to/mine.py"
        )
    return import_module(f"{__name__}.{name}").ABLATION


def load_file(path: Path) -> Ablation:
    """The ABLATION that a user's own file defines. Raises SpecError, one line, with the line at fault."""
    if not path.is_file():
        raise SpecError(f"there is no file {path}; give a Python file that defines ABLATION")
    spec = importlib.util.spec_from_file_location(f"users_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise SpecError(f"{path} is not a Python file: its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise SpecError(f"{path}, line {error.lineno}: {error.msg}") from None
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        where = f"{path}, line {lines[-1]}" if lines else str(path)
        kind = "" if isinstance(error, SpecError) else f"{type(error).__name__}: "
        raise SpecError(f"{where}: {kind}{' '.join(str(error).split())}") from None
    ablation = getattr(module, "ABLATION", None)
    if not isinstance(ablation, Ablation):
        found = "no ABLATION" if ablation is None else f"an ABLATION that is a {type(ablation).__name__}"
        raise SpecError(f"{path} defines {found}; it must say ABLATION = Ablation(...)")
    return ablation
