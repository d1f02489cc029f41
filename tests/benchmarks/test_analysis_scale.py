"""The benchmark of the analysis as a maintainer types it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*words):
    command = [sys.executable, "-m", "benchmarks.analysis_scale", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--runs", "12"), "--runs takes multiples of 5, the number of variants, not 12"),
        (("--epochs", "0"), "--epochs must be above 0, not 0"),
    ],
)
def test_bad_input_gets_one_line_and_status_2(words, reason):
    done = run(*words)
    assert (done.returncode, done.stderr.strip()) == (2, f"analysis_scale: {reason}")


@pytest.mark.slow
def test_every_run_is_analysed(tmp_path):
    done = run("--runs", "10", "20", "--epochs", "3", "--keep", tmp_path, "--json", tmp_path / "scale.json")
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "scale.json").read_text())["rows"]
    assert [(row["runs"], row["epochs"]) for row in rows] == [(10, 30), (20, 60)]
    assert all(0 < row["load"] < row["total"] and row["loaded_mib"] <= row["peak_mib"] for row in rows)
    for runs in (10, 20):
        assert len(list((tmp_path / f"{runs}_runs").rglob("*.wandb"))) == runs
        assert (tmp_path / f"{runs}_results" / "report.html").stat().st_size > 10_000
