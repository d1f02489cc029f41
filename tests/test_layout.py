"""Imports point one way: scripts -> experiments -> nets, scripts -> analysis."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {
    "nets": {"experiments", "analysis", "scripts", "wandb"},
    "experiments": {"analysis", "scripts"},
    "analysis": {"torch", "torchvision", "nets", "experiments", "scripts"},
}


def imported(path: Path) -> set[str]:
    """Top-level names of every import in a file, also of those inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_point_one_way(package):
    files = list((ROOT / package).rglob("*.py"))
    assert files
    assert {
        str(path): sorted(imported(path) & FORBIDDEN[package]) for path in files if imported(path) & FORBIDDEN[package]
    } == {}
