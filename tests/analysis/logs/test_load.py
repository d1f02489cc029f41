"""Folders of runs that the real W&B client wrote, as frames."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis import logs
from analysis.logs.fragment import Fragment

CONFIG = {
    "ablation": {"name": "resnet_preact", "factor": "net.order"},
    "net": {"name": "resnet20", "widths": [16, 32, 64]},
    "recipe": {"learning_rate": 0.1},
    "parameters": 272_474,
}
FIXED = ["run_id", "ablation", "variant", "profile", "name", "seed", "tags", "outcome", "started", "fragments"]
FIXED += ["epochs", "source", "damage"]


def epoch_row(epoch: int, error: float) -> dict[str, float]:
    return {"epoch": epoch, "train/loss": error / 50, "test/error": error}


@pytest.fixture(scope="module")
def runs_folder(tmp_path_factory: pytest.TempPathFactory, write_run: Callable[..., Path]) -> Path:
    """Five runs of one ablation: finished under two seeds, diverged, crashed, and one that states no outcome."""
    root = tmp_path_factory.mktemp("runs")

    def write(variant: str, seed: int, rows: list[dict], summary: dict, profile: str = "quick", **more: int) -> None:
        write_run(
            root / "resnet_preact" / variant / f"seed{seed}-0a1b2c3d",
            f"{variant}-{seed}",
            rows,
            {**CONFIG, "seed": seed, "variant": variant},
            summary,
            project="resnet_preact",
            group=variant,
            job_type=profile,
            name=f"{variant}-s{seed}",
            tags=["digits", "resnet20"],
            **more,
        )

    rows = [epoch_row(epoch, 40.0 - epoch) for epoch in range(3)]
    write("original", 1, rows, {"outcome": "finished"})
    write("original", 0, [*rows, {"note": "a log call of no epoch"}], {"outcome": "finished"})
    write("bn_after_add", 0, [rows[0], epoch_row(1, math.nan)], {"outcome": "diverged"})
    write("full_preact", 0, rows[:1], {}, exit_code=1)
    write("full_preact", 1, rows[:2], {}, profile="smoke")
    return root


def test_one_row_a_run(runs_folder: Path) -> None:
    runs, _ = logs.load(runs_folder)
    assert list(runs.columns[:13]) == FIXED
    expected = [
        ("bn_after_add-0", "bn_after_add", "quick", 0, "diverged", 2),
        ("full_preact-0", "full_preact", "quick", 0, "crashed", 1),
        ("full_preact-1", "full_preact", "smoke", 1, "finished", 2),
        ("original-0", "original", "quick", 0, "finished", 3),
        ("original-1", "original", "quick", 1, "finished", 3),
    ]
    columns = ["run_id", "variant", "profile", "seed", "outcome", "epochs"]
    assert list(runs[columns].itertuples(index=False, name=None)) == expected
    assert set(runs["ablation"]) == {"resnet_preact"}
    assert set(runs["fragments"]) == {1}
    assert not runs["damage"].map(len).any()

    run = runs.set_index("run_id").loc["original-1"]
    assert run["name"] == "original-s1"
    assert run["tags"] == ["digits", "resnet20"]
    assert run["config.ablation.factor"] == "net.order"
    assert run["config.net.widths"] == [16, 32, 64]
    assert run["config.recipe.learning_rate"] == 0.1
    assert run["config.parameters"] == 272_474
    assert run["summary.test/error"] == 38.0
    assert run["summary.outcome"] == "finished"
    assert Path(run["source"]).is_file()


def test_starts_are_utc_and_in_order(runs_folder: Path) -> None:
    runs, _ = logs.load(runs_folder)
    started = runs.set_index("run_id")["started"]
    assert str(started.dt.tz) == "UTC"
    written = ["original-1", "original-0", "bn_after_add-0", "full_preact-0", "full_preact-1"]
    assert list(started.sort_values().index) == written
    age = pd.Timestamp.now("UTC") - started
    assert age.min() > pd.Timedelta(0)
    assert age.max() < pd.Timedelta(minutes=10)


def test_one_row_a_run_and_epoch(runs_folder: Path) -> None:
    runs, history = logs.load(runs_folder)
    assert list(history.columns) == ["run_id", "variant", "seed", "epoch", "note", "test/error", "train/loss"]
    without = history[history["epoch"].isna()]  # such a log call is behind its run's other rows
    assert without[["run_id", "note"]].values.tolist() == [["original-0", "a log call of no epoch"]]
    history = history.drop(without.index).astype({"epoch": "int64"})
    pairs = [(run.run_id, epoch) for run in runs.itertuples() for epoch in range(run.epochs)]
    assert list(zip(history["run_id"], history["epoch"], strict=True)) == pairs
    assert history["epoch"].dtype == "int64"
    original = history[(history["variant"] == "original") & (history["seed"] == 1)]
    assert list(original["test/error"]) == [40.0, 39.0, 38.0]
    assert math.isnan(history.query("run_id == 'bn_after_add-0' and epoch == 1")["test/error"].item())


def test_filters(runs_folder: Path) -> None:
    runs, history = logs.load(runs_folder, profile="smoke")
    assert list(runs["run_id"]) == ["full_preact-1"]
    assert set(history["run_id"]) == {"full_preact-1"}
    runs, history = logs.load(runs_folder, profile="quick", run_ids=["original-0", "full_preact-1"])
    assert list(runs["run_id"]) == ["original-0"]
    assert set(history["run_id"]) == {"original-0"}
    with pytest.raises(logs.LogsError, match=r"^no run with profile 'paper' in .*; profiles there: quick, smoke$"):
        logs.load(runs_folder, profile="paper")


def test_a_file_or_a_run_folder_is_a_source(runs_folder: Path) -> None:
    run_folder = runs_folder / "resnet_preact" / "original" / "seed0-0a1b2c3d"
    (file,) = run_folder.rglob("*.wandb")
    whole, _ = logs.load(runs_folder, run_ids=["original-0"])
    for source in (run_folder, str(run_folder), file, str(file), file.parent):
        runs, history = logs.load(source)
        assert runs["source"].tolist() == whole["source"].tolist() == [str(file)]
        assert list(history["epoch"].dropna()) == [0, 1, 2]


def test_killed_and_resumed(
    tmp_path: Path,
    write_run: Callable[..., Path],
    killed_run: Callable[[Path, str, range], tuple[Path, Fragment]],
) -> None:
    """The process that was killed logged epochs 0 to 4, the next one 3 to 6; its folder sorts first by name."""
    path, live = killed_run(tmp_path / "z_first", "r1", range(5))
    assert live.exit_code is None
    assert list(live.history["test/error"]) == [50.0, 49.0, 48.0, 47.0, 46.0]
    runs, history = logs.load(tmp_path)
    assert runs.loc[0, ["run_id", "outcome", "fragments", "epochs"]].tolist() == ["r1", "unfinished", 1, 5]
    assert runs.loc[0, "source"] == str(path)

    rows = [{"epoch": epoch, "test/error": 30.0 - epoch, "process": 2} for epoch in range(3, 7)]
    described = {"project": "killed", "group": "plain", "job_type": "smoke"}
    newest = write_run(tmp_path / "a_second", "r1", rows, {"seed": 3}, {"outcome": "finished"}, **described)
    started = runs.loc[0, "started"]
    runs, history = logs.load(tmp_path)
    assert runs.loc[0, ["run_id", "outcome", "fragments", "epochs"]].tolist() == ["r1", "finished", 2, 7]
    assert runs.loc[0, "source"] == str(newest)
    assert runs.loc[0, "started"] == started
    assert runs.loc[0, "config.net.name"] == "plain20"
    assert list(history["epoch"]) == list(range(7))
    assert list(history["process"]) == [1, 1, 1, 2, 2, 2, 2]
    assert list(history["test/error"]) == [50.0, 49.0, 48.0, 27.0, 26.0, 25.0, 24.0]

    killed_run(tmp_path / "m_third", "r1", range(7, 8))
    runs, _ = logs.load(tmp_path)
    assert runs.loc[0, ["outcome", "fragments", "epochs"]].tolist() == ["unfinished", 3, 8]


def test_a_lost_fragment_joins_its_run(tmp_path: Path, runs_folder: Path) -> None:
    shutil.copytree(runs_folder / "resnet_preact" / "original", tmp_path / "runs", symlinks=True)
    lost = tmp_path / "runs" / "offline-run-20260101_000000-original-0" / "run-original-0.wandb"
    lost.parent.mkdir()
    lost.write_bytes(b"noise" * 10)
    alone = lost.with_name("run-alone.wandb")
    alone.write_bytes(b"")
    runs, history = logs.load(tmp_path)
    runs = runs.set_index("run_id")
    assert runs.loc["original-0", ["ablation", "outcome", "fragments", "epochs"]].tolist() == [
        "resnet_preact",
        "finished",
        2,
        3,
    ]
    assert all(line.startswith(f"{lost}: ") for line in runs.loc["original-0", "damage"])
    assert runs.loc["alone", ["ablation", "variant", "outcome", "epochs"]].tolist() == ["", "", "unreadable", 0]
    assert runs.loc["alone", "damage"][0] == f"{alone}: empty file, 0 bytes"
    assert pd.isna(runs.loc["alone", "seed"])
    assert set(history["run_id"]) == {"original-0", "original-1"}


def test_nothing_but_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / "run-x.wandb").write_bytes(b"noise")
    runs, history = logs.load(tmp_path)
    assert runs[["run_id", "outcome", "epochs"]].values.tolist() == [["x", "unreadable", 0]]
    assert history.empty
    assert list(history.columns) == ["run_id", "variant", "seed", "epoch"]


def test_equal_ids_in_two_ablations_stay_apart(tmp_path: Path, write_run: Callable[..., Path]) -> None:
    write_run(tmp_path, "same", [epoch_row(0, 10.0)], project="resnet_preact")
    write_run(tmp_path / "other", "same", [epoch_row(0, 20.0)], project="resnet_depth")
    runs, history = logs.load(tmp_path)
    assert runs["ablation"].tolist() == ["resnet_depth", "resnet_preact"]
    assert history["test/error"].tolist() == [20.0, 10.0]
    runs, history = logs.load(tmp_path, ablation="resnet_preact")
    assert (runs["ablation"].tolist(), history["test/error"].tolist()) == (["resnet_preact"], [10.0])
    with pytest.raises(logs.LogsError, match=r"ablation 'x' in .*; ablations there: resnet_depth, resnet_preact$"):
        logs.load(tmp_path, ablation="x")


def test_no_logs_where_some_were_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "notes.txt").write_text("no log")
    messages = {
        tmp_path / "runs": "no W&B log (*.wandb) in ",
        tmp_path / "missing": "no folder or file ",
        "missing": "no folder or file missing",
        "runs/mistyped": "no folder or file runs/mistyped",
        "notes.txt": "notes.txt is not a W&B log",
    }
    for source, message in messages.items():
        with pytest.raises(logs.LogsError) as raised:
            logs.load(source)
        assert str(raised.value).startswith(message)
        assert "folder that holds the runs" in str(raised.value)
        assert "\n" not in str(raised.value)
