"""Declarations, one per file. `load("resnet_preact")` or `load("path/to/mine.py")` gives one, checked."""

from __future__ import annotations

import ast
import difflib
import importlib.util
import pkgutil
import traceback
from importlib import import_module
from pathlib import Path

from experiments.ablation import Ablation, check_ablation
from experiments.datasets import DataError
from experiments.spec import SpecError

_files: list[Path] = []  # loaded by this process; what they register, its workers need too


def loaded_files() -> tuple[Path, ...]:
    """The users' files that this process has loaded, in order."""
    return tuple(_files)


def names() -> tuple[str, ...]:
    """The ablations that can be run by name."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def load(name: str) -> Ablation:
    """The ablation of that name, or the one that the file of that path defines, checked. Raises SpecError, one line."""
    if is_file(name):
        return load_file(Path(name).expanduser())
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


def load_file(path: Path) -> Ablation:
    """The ABLATION that a person's own file defines, checked. Raises SpecError, one line, with the line at fault."""
    if not path.is_file():
        raise SpecError(f"there is no file {path}; give a Python file that defines ABLATION")
    spec = importlib.util.spec_from_file_location(f"users_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise SpecError(f"{path} is not a Python file: its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    if (file := path.resolve()) not in _files:
        _files.append(file)
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
    try:
        return check_ablation(ablation)
    except (SpecError, DataError) as error:
        raise SpecError(f"{path}, line {_line_of_ablation(path)}: {error}") from None


def _line_of_ablation(path: Path) -> int:
    """The line on which a file assigns ABLATION; 1 where it does so indirectly."""
    lines = [
        node.lineno
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign | ast.AnnAssign) and "ABLATION" in ast.dump(node)
    ]
    return lines[-1] if lines else 1
