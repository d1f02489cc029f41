"""A run's page explains itself: flat factors and label, notes in plain words, and all that the analysis reads."""

import subprocess
from pathlib import Path

import pytest

from analysis import logs
from experiments import ablations
from experiments.ablation import Overrides
from experiments.execution.tracking import Tracker
from experiments.execution.wandb_page import page
from experiments.planning.plan import plan

ROOT = Path(__file__).resolve().parents[3]
ABLATION = ablations.load("resnet_preact")


@pytest.fixture
def job(tmp_path):
    jobs = plan(ABLATION, "smoke", Overrides(), seeds=[0], out=tmp_path)
    return next(job for job in jobs if job.variant == "full_preact")


def test_the_spec_comes_before_the_declaration_and_factors_are_at_the_top(job):
    config = page(job, {}).config
    assert (config["label"], config["factor.net.order"]) == ("full pre-activation", "full_preact")
    assert max(["net", "data", "recipe", "seed"]) < "study_declaration"  # W&B sorts a config by name
    assert sorted(config)[-4:] == ["seed", "study_declaration", "threads", "variant"]


def test_the_notes_say_what_is_asked_what_is_fixed_and_what_deviates(job):
    notes = page(job, {}).notes
    assert notes.startswith(f"**{ABLATION.question}**")
    assert "Variant: full pre-activation (`net.order` = full_preact); baseline: original." in notes
    for line in ABLATION.fixed:
        assert f"- {line}" in notes
    for deviation in ABLATION.deviations_of(job.profile):
        assert f"- {deviation.what}: paper: {deviation.paper}; here: {deviation.ours}" in notes


def test_the_analysis_reads_the_declaration_back(job, tmp_path):
    with Tracker(job.study, "offline", page(job, {})) as tracker:
        tracker.log({"epoch": 1, "test/error": 50.0, "signal/activation/00": 1.5})
        tracker.finish("finished", {"test/error": 50.0, "signal/activation/00": 1.5})
    runs, history = logs.load(tmp_path)
    run = runs.iloc[0]
    assert run["run_id"] == job.log_id
    assert run["config.ablation.question"] == ABLATION.question
    assert run["config.ablation.fixed"] == list(ABLATION.fixed)
    assert history["signal/activation/00"].tolist() == [1.5]
    assert run["summary.signal/activation/00"] == 1.5


def test_a_tree_that_differs_from_its_commit_leaves_its_patch(job, monkeypatch):
    """The patch of the bench's own checkout, whatever folder the command is given in."""
    status = ["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no"]
    changed = subprocess.run(status, capture_output=True, text=True)
    if changed.returncode:
        pytest.skip("not a checkout")
    monkeypatch.chdir(job.out)
    with Tracker(job.study, "offline", page(job, {})) as tracker:
        tracker.finish("finished", {})
    assert bool(list(job.study.glob("wandb/*/files/diff.patch"))) == bool(changed.stdout)
