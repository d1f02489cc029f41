"""A metric of one's own from an ablation's file, through workers, logs, table and an opened run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import experiments

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
MINE = '''
"""Is a pre-activation unit better for the class that the net knows least?"""
from experiments.ablation import Ablation, Profile, Variant
from experiments.spec import DataSpec, NetSpec, Recipe, RunSpec
from experiments.training.metrics import register_metric


def worst_class(logits, labels):
    right = (logits.argmax(1) == labels).float()
    return min(100 * right[labels == k].mean() for k in labels.unique())


register_metric("worst_class", worst_class, label="accuracy of the worst class", unit="%", lower_is_better=False)
ABLATION = Ablation(
    name="mine",
    question="Is a pre-activation unit better for the class that the net knows least?",
    factors=("net.order",),
    base=RunSpec(NetSpec("resnet8"), DataSpec("digits"), Recipe(batch_size=32, crop_padding=1, flip=False)),
    baseline="original",
    variants=(
        Variant("original", "original", {"net.order": "original"}),
        Variant("full", "full", {"net.order": "full_preact"}),
    ),
    profiles={"short": Profile(seeds=2, epochs=3)},
)
'''


def run(name, *words):
    command = [sys.executable, SCRIPTS / name, *map(str, words)]
    environment = os.environ | {"COLUMNS": "120"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, env=environment)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_a_metric_of_ones_own_is_the_tables_column(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    words = (tmp_path / "mine.py", "--jobs", "2", "--metric", "worst_class", "--out", tmp_path / "runs")
    status, _, err = run("run_ablation.py", *words)
    assert (status, err) == (0, "")
    table = (tmp_path / "runs/mine/results/short-worst_class/table.md").read_text()
    assert "accuracy of the worst class (%)" in table
    assert "(higher is better)" in table
    folder = next((tmp_path / "runs/mine/full").glob("seed0-*"))
    opened = experiments.open_run(folder)  # imports the file
    logits, labels = opened.predictions().logits, opened.predictions().labels
    right = logits.argmax(1) == labels
    by_hand = min(right[labels == k].double().mean().item() for k in range(10))
    assert opened.measure("worst_class") == opened.rows[-1]["test/worst_class"] == pytest.approx(100 * by_hand)
    (tmp_path / "mine.py").write_text(MINE.replace("min(100", "max(100"))
    with pytest.raises(Exception, match=r"has changed since .* restore it to open the run"):
        experiments.open_run(folder)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--metrics", "top5"), "unknown metric 'top5'; did you mean top5_error? choose from error, top5_error,"),
        (("--metric", "loss"), "unknown metric 'loss'; "),
    ],
)
def test_an_unknown_metric_is_one_line_and_status_2(words, line, tmp_path):
    status, _, err = run("run_ablation.py", "resnet_preact", *words, "--out", tmp_path)
    assert status == 2
    assert err.startswith(f"run_ablation: {line}")
    assert len(err.strip().splitlines()) == 1
