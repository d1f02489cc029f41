"""A user's own Python file that declares an ablation: imported once per process, and known by what it defines."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from experiments.spec import SpecError

DECLARATION = "ABLATION"
ENVIRONMENT = "env.json"  # of a run: "file" has the path and digest of the file that the run was trained with


@dataclass(frozen=True)
class UserFile:
    """path: absolute. digest: of all that the file and the helper modules in its folder define, see `digest_of`."""

    path: str
    digest: str


_imported: dict[UserFile, ModuleType] = {}


def identify(path: str | Path) -> UserFile:
    """The file as it is now. Raises SpecError, one line, if there is none or Python cannot read it."""
    path = Path(path).expanduser().absolute()
    if path.suffix != ".py":
        raise SpecError(f"{path} is not a Python file: its name must end in .py")
    if not path.is_file():
        raise SpecError(f"there is no file {path}; give a Python file that defines {DECLARATION}")
    return UserFile(str(path), digest_of(path))


def import_file(file: UserFile) -> ModuleType:
    """The module, imported once per process; its folder is importable from then on.

    What the file registers (nets, data sets, rows of tables) is known afterwards. Raises SpecError, one line, with the
    file and line at fault, and for a file that is no longer the one that was identified.
    """
    if file in _imported:
        return _imported[file]
    if identify(file.path) != file:
        raise SpecError(f"{file.path} changed after the runs were planned; run the command again")
    path = Path(file.path)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # last, so that no module of Python's own is hidden
    name = f"ablation_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # its name ends in .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise SpecError(_told(error, path)) from None
    _imported[file] = module
    return module


def imported() -> tuple[UserFile, ...]:
    """The files that this process has imported, in order."""
    return tuple(_imported)


def digest_of(path: Path) -> str:
    """16 hex digits over the code of the file and of the helper modules that it imports from its folder.

    The declaration, which is part of each run's spec already, comments and layout do not count.
    """
    whole = hashlib.blake2b(digest_size=8)
    for source, tree in sorted(_sources(path).items()):
        tree.body = [node for node in tree.body if source != path or not _declares(node)]
        whole.update(f"{source.relative_to(path.parent)}\n{ast.unparse(tree)}\n".encode())
    return whole.hexdigest()


def line_of_declaration(path: Path) -> int:
    """The line on which the file assigns ABLATION; 1 where it does so indirectly."""
    return next((node.lineno for node in reversed(_parse(path).body) if _declares(node)), 1)


def check_unchanged(run: Path, file: UserFile | None) -> None:
    """Raise SpecError, one line, if the run in the folder `run` was trained with another version of the file."""
    recorded = run / ENVIRONMENT
    try:
        before = json.loads(recorded.read_text()).get("file")
    except (OSError, ValueError):
        return  # a run that has not started
    if file is not None and before and before["digest"] != file.digest:
        raise SpecError(
            f"{file.path} has changed since {run} was trained with it; restore it, or train in another folder (--out)"
        )


def _sources(path: Path) -> dict[Path, ast.Module]:
    """The file and the modules in its folder that it imports, directly or not, parsed."""
    found: dict[Path, ast.Module] = {}
    waiting = [path]
    while waiting:
        source = waiting.pop()
        if source not in found:
            found[source] = _parse(source)
            waiting += _helpers(found[source], path.parent)
    return found


def _helpers(tree: ast.Module, folder: Path) -> Iterator[Path]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            place = folder.joinpath(*name.split("."))
            yield from (file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file())


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError as error:
        raise SpecError(f"{path}, line {error.lineno}: {error.msg}") from None
    except (OSError, ValueError) as error:
        raise SpecError(f"{path} cannot be read: {error}") from None


def _declares(node: ast.stmt) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(isinstance(target, ast.Name) and target.id == DECLARATION for target in targets)


def _told(error: BaseException, path: Path) -> str:
    """One line: where in the file, or in a helper, the error is, and what it says."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_file()]
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(path.parent)]
    where = f"{own[-1].filename}, line {own[-1].lineno}" if own else str(path)
    if isinstance(error, SystemExit):
        return f"{where}: it ends the program (SystemExit); a file that declares an ablation must not"
    kind = "" if isinstance(error, SpecError) else f"{type(error).__name__}: "
    return f"{where}: {kind}{' '.join(str(error).split())}"
