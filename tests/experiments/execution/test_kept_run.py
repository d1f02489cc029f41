"""A run's folder and log as version 0.2.0 wrote them: still a finished run, with the same rows, weights and log."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from analysis import logs
from experiments.execution.opened import open_run
from experiments.execution.run import complete_run, is_finished
from experiments.planning.job import Job
from experiments.spec import DataSpec, NetSpec, Recipe, RunSpec
from experiments.training import checkpoint

KEPT = Path(__file__).with_name("kept")
RECIPE = Recipe(
    iterations=9, batch_size=32, learning_rate=0.05, warmup=0.1, crop_padding=1, flip=False, ema=0.9
)  # fmt: skip
NET = NetSpec("resnet8", {"width": 0.25, "downsample": "B"})
SPEC = RunSpec(NET, DataSpec("digits", train_images=100), RECIPE, seed=1)
ERRORS = [95.0, 93.61111111111111, 92.77777777777777]  # percent, as this run logged them


@pytest.fixture
def job(tmp_path):
    shutil.copytree(KEPT, tmp_path / "kept")
    return Job("kept", "original", "smoke", SPEC, {"parameters": 1, "multiply_adds": 1}, tmp_path, None, "offline")


def test_it_has_the_folder_that_this_version_looks_for(job):
    assert job.folder.is_dir()


def test_it_is_finished(job):
    assert is_finished(job)
    assert complete_run(job, lambda row: None) == "skipped"


def test_its_checkpoint_and_log_have_the_same_rows(job):
    state = checkpoint.load(job.folder, SPEC.run_id)
    runs, history = logs.load(job.out)
    assert [row["test/error"] for row in state["rows"]] == history["test/error"].tolist() == ERRORS
    assert (state["outcome"], runs["outcome"].tolist()) == ("finished", ["finished"])


def test_it_can_be_opened(job):
    run = open_run(job.folder)
    assert run.spec == SPEC
    assert run.measure("error") == pytest.approx(ERRORS[-1])


def test_its_net_and_optimiser_are_those_of_this_version(job):
    """Trained for longer, it would resume; as another run's, it is refused."""
    state = checkpoint.load(job.folder, SPEC.run_id)
    checkpoint.save(job.folder, {**state, "outcome": None, "rows": state["rows"][:2]})
    rows = []
    assert complete_run(job, rows.append) == "finished"
    assert [row["test/error"] for row in rows[:2]] == ERRORS[:2]
    other = replace(job, spec=replace(SPEC, seed=2))
    job.folder.rename(other.folder)
    with pytest.raises(checkpoint.CheckpointError, match=f"belongs to run {SPEC.run_id}"):
        complete_run(other, rows.append)
