"""pyproject.toml declares what is imported, and what it declares is imported or run."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OWN = {"nets", "experiments", "analysis", "benchmarks", "scripts", "tests", "examples"}
RUN_BY = (".ci/run", ".pre-commit-config.yaml")  # a tool is declared because one of these runs it
TOOLS = {"pytest-xdist": "-n auto", "ruff": "ruff check", "ty": "ty check", "pre-commit": "pre-commit install"}
APART = ("ray",)  # 240 MB, and only a cluster needs it; its tests are skipped without it
BY_NAME = {
    "datasets": "experiments/own_images/huggingface.py",  # its name is that of a module of ours
    "ray": "experiments/execution/executors/ray_core.py",  # not installed by requirements.txt
}


def plain(name: str) -> str:
    """The name of a distribution as packaging tools compare it: `wandb_workspaces` is `wandb-workspaces`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: list[str]) -> set[str]:
    return {plain(re.match(r"[\w.-]+", line).group()) for line in requirements} - {PROJECT["name"]}


CORE = declared(PROJECT["dependencies"])
EXTRAS = {extra: declared(lines) for extra, lines in PROJECT["optional-dependencies"].items()}


def imported(folders: tuple[str, ...]) -> dict[str, set[str]]:
    """Every package imported under `folders`, also inside functions, with the distributions that may bring it.

    A namespace package such as `google` comes from several.
    """
    distributions = packages_distributions()
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    local = OWN | {path.stem for path in [*paths, *(ROOT / "scripts").glob("*.py")]}
    tops = set()
    for node in (node for path in paths for node in ast.walk(ast.parse(path.read_text()))):
        if isinstance(node, ast.Import):
            tops |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            tops.add(node.module.partition(".")[0])
    tops -= sys.stdlib_module_names | local
    return {top: set(map(plain, distributions.get(top, [top]))) for top in tops}  # an extra may not be installed


PRODUCT = ("nets", "experiments", "analysis", "scripts")
AROUND = ("tests", "benchmarks", "results", "examples")


def test_what_the_product_imports_is_declared():
    optional = set().union(*(names for extra, names in EXTRAS.items() if extra != "dev"))
    assert [top for top, names in imported(PRODUCT).items() if not names & (CORE | optional)] == []


def test_what_tests_and_benchmarks_import_is_declared():
    every = CORE.union(*EXTRAS.values())
    assert [top for top, names in imported(AROUND).items() if not names & every] == []


def test_what_is_declared_is_imported():
    product, everything = (set().union(*imported(folders).values()) for folders in (PRODUCT, PRODUCT + AROUND))
    assert sorted(CORE - product) == []
    assert [name for name, path in BY_NAME.items() if f'import_module("{name}")' not in (ROOT / path).read_text()] == []
    assert [sorted(names - everything - TOOLS.keys() - BY_NAME.keys()) for names in EXTRAS.values()] == [
        [] for _ in EXTRAS
    ]


@pytest.mark.parametrize("tool", TOOLS)
def test_a_declared_tool_is_run(tool):
    assert tool in EXTRAS["dev"]
    assert any(TOOLS[tool] in (ROOT / path).read_text() for path in RUN_BY)


def test_every_requirement_has_a_version():
    for line in chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        assert line.startswith(f"{PROJECT['name']}[") or re.fullmatch(r"[\w.-]+(>=|==)[\d.]+", line), line


def test_tests_need_every_extra():
    everything = f"{PROJECT['name']}[{','.join(extra for extra in EXTRAS if extra not in ('dev', *APART))}]"
    assert everything in PROJECT["optional-dependencies"]["dev"]


def test_requirements_txt_is_pyproject_with_the_tests():
    lines = [line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    assert [line for line in lines if line] == ["-e .[dev]"]


def test_the_version_is_the_same_everywhere():
    cited = re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)[1]
    newest = re.search(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert {cited, newest} == {PROJECT["version"]}
