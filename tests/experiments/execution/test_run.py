"""One run's folder: skipped when finished, resumed when broken, never trained twice at once."""

import dataclasses
import json

import pytest
from PIL import Image

from analysis import logs
from analysis.logs.wrong_images import unpacked
from experiments.execution.lock import hold
from experiments.execution.run import complete_run, is_finished
from experiments.planning.job import Job
from experiments.spec import DataSpec
from experiments.training import checkpoint, predictions
from experiments.training.metrics import facts_of


@pytest.fixture
def job(tiny, tmp_path) -> Job:
    return Job("planted", "original", "smoke", tiny, {"parameters": 7}, tmp_path, None, "offline")


def test_a_run_is_trained_once_and_then_skipped(job):
    rows = []
    assert complete_run(job, rows.append) == "finished"
    assert is_finished(job)
    assert complete_run(job, rows.append) == "skipped"
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    assert job.folder.name == f"seed1-{job.spec.hash8}"
    spec = json.loads((job.folder / "spec.json").read_text())
    assert (spec["net"]["order"], spec["recipe"]["iterations"]) == ("original", 26)
    assert {"python", "packages", "device", "commit", "dirty"} <= set(json.loads((job.folder / "env.json").read_text()))

    runs, history = logs.load(job.out)
    run = runs.iloc[0]
    assert (run["ablation"], run["variant"], run["profile"], run["name"]) == (
        "planted",
        "original",
        "smoke",
        "original-s1",
    )
    assert (run["run_id"], run["outcome"], run["seed"]) == (job.log_id, "finished", 1)
    assert sorted(run["tags"]) == ["digits", "resnet8"]
    assert (run["config.net.order"], run["config.recipe.warmup"], run["config.parameters"]) == ("original", 0.1, 7)
    logged = history.drop(columns=["run_id", "variant", "seed"]).to_dict("records")
    assert [{key: row[key] for key in sorted(row)} for row in rows] == [
        {key: row[key] for key in sorted(row)} for row in logged
    ]
    assert run["summary.test/error"] == rows[-1]["test/error"]
    assert run["summary.time/train_s"] == sum(row["time/epoch_s"] for row in rows)
    wrong, kept = unpacked(run["summary.wrong_images"]), predictions.load(job.folder)
    assert wrong.tolist() == (kept.logits.argmax(1) != kept.labels).tolist()
    assert 100 * wrong.mean() == pytest.approx(rows[-1]["test/error"], abs=1e-9)


def test_a_log_that_was_deleted_is_written_again_from_the_checkpoint(job):
    first, second = [], []
    complete_run(job, first.append)
    for path in job.study.glob("wandb/*run-*/*.wandb"):
        path.unlink()
    assert not is_finished(job)
    assert complete_run(job, second.append) == "finished"
    assert second == first
    assert len(logs.load(job.out)[1]) == 5


def test_without_wandb_a_run_can_be_logged_later(job):
    silent = dataclasses.replace(job, wandb="disabled")
    first, second = [], []
    assert complete_run(silent, first.append) == "finished"
    assert is_finished(silent)
    assert not is_finished(job)
    complete_run(job, second.append)
    assert second == first
    assert logs.load(job.out)[0]["outcome"].tolist() == ["finished"]


def test_a_run_that_another_process_holds_is_left_alone(job):
    job.folder.mkdir(parents=True)
    with hold(job.folder):
        assert complete_run(job, lambda row: None) == "busy"
    assert checkpoint.load(job.folder, job.spec.run_id) is None


def test_a_diverged_run_is_an_outcome_and_is_not_trained_again(job):
    recipe = dataclasses.replace(job.spec.recipe, learning_rate=1e38, warmup=0.0)
    bad = dataclasses.replace(job, spec=dataclasses.replace(job.spec, recipe=recipe))
    assert complete_run(bad, lambda row: None) == "diverged"
    assert complete_run(bad, lambda row: None) == "skipped"
    assert logs.load(bad.out)[0]["outcome"].tolist() == ["diverged"]


def test_signals_are_logged_and_leave_the_run_as_it_is(job):
    """They are no part of the spec: the same folder and id, and the same results."""
    watched = dataclasses.replace(job, signals=True, out=job.out / "watched")
    rows, plain = [], []
    complete_run(watched, rows.append)
    complete_run(job, plain.append)
    assert watched.folder.name == job.folder.name
    _, history = logs.load(watched.out)
    units = [f"signal/{kind}/{k:02}" for kind in ("activation", "gradient") for k in range(3)]
    assert sorted(name for name in history if name.startswith("signal/")) == units
    assert history[units].to_numpy().tolist() == [[row[name] for name in units] for row in rows]
    assert history["test/error"].tolist() == [row["test/error"] for row in plain]


def test_images_of_ones_own(job, tmp_path):
    """A path longer than the 64 characters that W&B allows a tag; two classes, told apart by their brightness."""
    folder = tmp_path / ("a-long-name-" * 6)
    for part, count in (("train", 12), ("val", 3)):
        for level, name in ((30, "dark"), (220, "light")):
            (folder / part / name).mkdir(parents=True)
            for k in range(count):
                Image.new("RGB", (9, 12), (level, level + k, level)).save(folder / part / name / f"{k}.png")
    data = DataSpec(f"imagefolder:{folder}", image_size=8)
    recipe = dataclasses.replace(job.spec.recipe, batch_size=8, iterations=9, crop_size=7, test_crops="ten")
    own = dataclasses.replace(job, spec=dataclasses.replace(job.spec, data=data, recipe=recipe))
    assert complete_run(own, lambda row: None) == "finished"
    runs, history = logs.load(own.out)
    assert sorted(runs.iloc[0]["tags"]) == ["imagefolder", "resnet8"]
    assert runs.iloc[0]["config.data.name"] == f"imagefolder:{folder}"
    assert len(history) == 3  # 24 images in batches of 8: epochs of three steps


def test_a_metric_is_logged_every_epoch_and_described_in_the_config(job):
    rows = []
    complete_run(dataclasses.replace(job, metrics=("ece",), context={"metrics": facts_of(["ece"])}), rows.append)
    runs, history = logs.load(job.out)
    assert history["test/ece"].tolist() == [row["test/ece"] for row in rows]
    assert len(set(history["test/ece"])) == 5
    assert (runs.at[0, "config.metrics.ece.unit"], runs.at[0, "config.metrics.ece.lower_is_better"]) == ("%", True)


@pytest.mark.parametrize("predictions_kept", [True, False])
def test_a_finished_run_gets_a_metric_that_it_lacks(job, predictions_kept):
    """From its predictions, or from its net where an older version kept none: as if it had been measured at once."""
    at_once = dataclasses.replace(job, metrics=("ece", "macro_f1"), out=job.out / "at_once")
    complete_run(at_once, lambda row: None)
    complete_run(job, lambda row: None)
    if not predictions_kept:
        (job.folder / "predictions.npz").unlink()
    later = dataclasses.replace(job, metrics=at_once.metrics)
    assert complete_run(later, lambda row: None) == "skipped"
    assert is_finished(later)
    ours, history = logs.load(job.out / job.ablation)
    theirs, expected = logs.load(at_once.out)
    for name in ("summary.test/ece", "summary.test/macro_f1", "summary.test/error", "summary.wrong_images"):
        assert ours.at[0, name] == theirs.at[0, name]
    assert (ours.at[0, "outcome"], ours.at[0, "fragments"], len(history)) == ("finished", 2, 5)
    assert history["test/error"].tolist() == expected["test/error"].tolist()
    assert history["test/ece"].isna().tolist() == [True] * 4 + [False]
    complete_run(later, lambda row: None)
    assert logs.load(job.out / job.ablation)[0].at[0, "fragments"] == 2  # nothing left to add
