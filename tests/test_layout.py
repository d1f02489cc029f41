"""Imports run down one list of rooms; every folder says what belongs in it; no file is long."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# A room may import from the rooms below it in its own list, and from itself. The longest matching name counts.
ROOMS = (
    "scripts",
    "benchmarks",
    "experiments.terminal",
    "experiments.execution",
    "experiments.planning",
    "experiments.training",
    "experiments.data",
    "experiments.ablations",
    "experiments",
    "nets",
    "analysis.write",
    "analysis.output",
    "analysis.results",
    "analysis.study",
    "analysis.stats",
    "analysis.logs",
    "analysis.published",
    "analysis.rounds",
    "analysis.schema",
)
# `analysis` reads logs alone; `nets` stands alone; of `analysis`, `experiments` knows what both sides must agree on.
FORBIDDEN = {
    "analysis": ("torch", "torchvision", "nets", "experiments"),
    "nets": ("analysis", "wandb", "pandas"),
}
# The log reader: a run is finished when its log, read back, says so. The wrong images: packed by a run, unpacked here.
SHARED = (
    "analysis.published.recipes",
    "analysis.rounds",
    "analysis.schema",
    "analysis.logs.wandb_file",
    "analysis.logs.wrong_images",
)
MOST_LINES = 250


def room_of(module: str) -> str | None:
    return max((room for room in ROOMS if module == room or module.startswith(f"{room}.")), key=len, default=None)


def modules() -> dict[str, Path]:
    folders = dict.fromkeys(room.partition(".")[0] for room in ROOMS)
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imported(path: Path) -> set[str]:
    """The full names of every import in a file, also of those inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_imports_run_down_the_rooms():
    wrong = []
    for module, path in modules().items():
        own = room_of(module)
        for name in imported(path):
            other = room_of(name)
            if own is None or other is None or own == other or name.startswith(SHARED):
                continue
            if ROOMS.index(other) < ROOMS.index(own):
                wrong.append(f"{module} ({own}) imports {name} ({other})")
    assert sorted(wrong) == []


@pytest.mark.parametrize("package", FORBIDDEN)
def test_what_a_package_does_not_know(package):
    wrong = [
        f"{module} imports {name}"
        for module, path in modules().items()
        if module == package or module.startswith(f"{package}.")
        for name in imported(path)
        if name.split(".")[0] in FORBIDDEN[package]
    ]
    assert sorted(wrong) == []


def test_experiments_know_of_the_analysis_only_what_both_must_agree_on():
    wrong = [
        f"{module} imports {name}"
        for module, path in modules().items()
        if module.startswith("experiments")
        for name in imported(path)
        if name.startswith("analysis") and not name.startswith(SHARED)
    ]
    assert sorted(wrong) == []


def test_every_folder_says_what_belongs_in_it():
    folders = {path.parent for path in modules().values()} - {ROOT / "scripts"}
    silent = [folder for folder in folders if not ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))]
    assert silent == []


def test_no_file_is_long():
    lengths = {module: len(path.read_text().splitlines()) for module, path in modules().items()}
    assert {module: lines for module, lines in lengths.items() if lines > MOST_LINES} == {}
