"""compare_studies.py as a user runs it, on two real studies that differ in their length."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
TRAIN = ("resnet_preact", "--profile", "smoke", "--depth", "8", "--seeds", "2", "--jobs", "1", "--variants", "original",
         "full_preact")  # fmt: skip


def run(name, *words, folder):
    command = [sys.executable, SCRIPTS / name, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, cwd=folder, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """Folders `a` of one epoch and `b` of two, trained by the bench itself."""
    folder = tmp_path_factory.mktemp("studies")
    for name, epochs in (("a", 1), ("b", 2)):
        status, _, err = run("run_ablation.py", *TRAIN, "--epochs", epochs, "--out", name, folder=folder)
        assert status == 0, err
    return folder


@pytest.mark.slow
def test_two_studies_side_by_side(studies):
    status, text, err = run("compare_studies.py", "a", "b", folder=studies)
    assert (status, err) == (0, "")
    assert "| recipe.iterations | 45 | 90 |" in text
    assert "Environment: the same in both." in text
    assert text.count("| original |") == 1
    table = pd.read_csv(studies / "comparisons" / "resnet_preact" / "comparison_variants.csv", index_col=0)
    tables = [pd.read_csv(next((studies / name).rglob("table.csv")), index_col=0) for name in "ab"]
    for variant in ("original", "full_preact"):
        means = [table.at[variant, "mean"] for table in tables]
        assert table.at[variant, "difference"] == pytest.approx(means[1] - means[0])
        assert table.at[variant, "pairs"] == 2
    assert (studies / "comparisons" / "resnet_preact" / "comparison.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.slow
def test_two_recipes_in_one_folder_are_told_apart_by_conditions(studies):
    conditions = ("--where-a", "recipe.iterations=45", "--where-b", "recipe.iterations=90")
    status, text, err = run("compare_studies.py", ".", ".", *conditions, "--out", "within", folder=studies)
    assert (status, err) == (0, "")
    run("compare_studies.py", "a", "b", "--out", "across", folder=studies)
    within, across = (studies / name / "comparison_variants.csv" for name in ("within", "across"))
    assert within.read_bytes() == across.read_bytes()
    assert "- B: . and recipe.iterations=90" in text


@pytest.mark.slow
def test_a_folder_with_both_is_refused_and_the_field_named(studies):
    """The two share variant and seed, and differ in the recipe."""
    status, _, err = run("make_report.py", "resnet_preact", "--source", ".", "--out", "report", folder=studies)
    assert status == 2
    assert err.startswith("make_report: the runs differ in recipe.iterations, which is not the factor: 45 in ")
    assert "--where recipe.iterations=VALUE" in err
    assert len(err.strip().splitlines()) == 1


def test_bad_input_gets_one_line_and_status_2(tmp_path):
    (tmp_path / "empty").mkdir()
    for words, line in (
        (
            ("empty", "empty"),
            "compare_studies: A and B are both empty; give two different folders, or --where-a and --where-b",
        ),
        (("empty", "other"), "compare_studies: no W&B log (*.wandb) in empty"),
    ):
        status, _, err = run("compare_studies.py", *words, folder=tmp_path)
        assert status == 2
        assert err.startswith(line)
        assert len(err.strip().splitlines()) == 1
