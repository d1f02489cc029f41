"""Every example runs as the user would run it, at its smallest size, to a table with its own piece in it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = {
    "unit": ("first_relu", {"full_preact", "without_first_relu"}),
    "shortcut": ("balanced_sum", {"identity", "balanced"}),
    "net": ("filter_size", {"5x5", "3x3_twice"}),
    "images": ("image_size", {"32", "16", "8"}),
    "recipe": ("small_recipes", {"sgd", "adamw", "adamw_mixup", "adagrad"}),
}


def run(*words: object, cwd: Path) -> subprocess.CompletedProcess:
    call = [sys.executable, str(ROOT / "scripts" / "run_ablation.py"), *map(str, words)]
    return subprocess.run(call, cwd=cwd, capture_output=True, text=True, timeout=500)


def test_all_examples_are_run():
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == set(NAMES)
    assert all(f"({name}.py)" in (ROOT / "examples" / "README.md").read_text() for name in NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_example_outside_the_repository_runs_to_its_table(name, tmp_path):
    """With workers, which import the file first."""
    ablation, variants = NAMES[name]
    shutil.copy(ROOT / "examples" / f"{name}.py", tmp_path)
    done = run(f"{name}.py", "--profile", "smoke", "--seeds", "2", "--epochs", "1", "--jobs", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(next((tmp_path / "runs" / ablation).rglob("table.csv")))
    assert variants == set(table["variant"].astype(str))
    assert done.stderr == ""


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_planned_and_listed(name, tmp_path):
    shutil.copy(ROOT / "examples" / f"{name}.py", tmp_path)
    done = run(f"{name}.py", "--list", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert NAMES[name][0] in done.stdout
    done = run(f"{name}.py", "--profile", "smoke", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"{3 * len(NAMES[name][1])} runs: profile smoke" in done.stdout
