"""Runs read from a server with the unmodified client, against the test server."""

from __future__ import annotations

import math
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from analysis import logs
from tests.wandb_server import API_KEY, WandbServer

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def server(wandb_account: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    server = WandbServer()
    for name, value in server.environment.items():
        wandb_account.setenv(name, value)
    yield server
    server.stop()


def test_runs_and_their_whole_history(server: WandbServer) -> None:
    first = [{"epoch": epoch, "test/error": 50.0 - epoch} for epoch in range(5)]
    resumed = [{"epoch": epoch, "test/error": 30.0 - epoch} for epoch in range(3, 7)]
    server.add("resumed", [*first, *resumed])
    diverged = [
        {"epoch": 0, "train/loss": 1 / 3, "nested": {"a": [1, 2]}},
        {"epoch": 1, "train/loss": "NaN", "test/loss": "Infinity", "low": "-Infinity"},
        {"final": 1},
    ]
    server.add("diverged", diverged, group="bn_after_add", summaryMetrics='{"outcome": "diverged"}')
    server.add("failed", first[:1], state="failed", group="full_preact", summaryMetrics="{}")
    server.add("silent", first[:1], state="crashed", group="full_preact", summaryMetrics="{}")
    server.add("running", first[:1], state="running", group="full_preact", summaryMetrics="{}", historyLineCount=0)

    runs, history = logs.load("lab/resnet_preact")
    assert not runs["damage"].map(len).any()
    by_id = runs.set_index("run_id")
    outcomes = {"diverged": "diverged", "failed": "crashed", "running": "unfinished", "silent": "unfinished"}
    assert by_id["outcome"].to_dict() == {**outcomes, "resumed": "finished"}

    run = by_id.loc["resumed"]
    assert run[["ablation", "variant", "profile"]].tolist() == ["resnet_preact", "original", "quick"]
    assert (run["name"], run["seed"], run["tags"]) == ("name of resumed", 2, ["digits"])
    assert (run["fragments"], run["epochs"]) == (1, 7)
    assert run["started"].isoformat() == "2026-01-02T03:04:05+00:00"
    assert run["config.net.name"] == "resnet20"
    assert math.isnan(run["summary.train.loss"])
    assert run["source"] == f"{server.url}/lab/resnet_preact/runs/resumed"
    assert not [column for column in (*runs, *history) if "._" in column or column.startswith("_")]

    errors = history.query("run_id == 'resumed'").set_index("epoch")["test/error"]
    assert errors.to_dict() == {0: 50.0, 1: 49.0, 2: 48.0, 3: 27.0, 4: 26.0, 5: 25.0, 6: 24.0}
    start, end, without_epoch = history.query("run_id == 'diverged'").to_dict("records")
    assert without_epoch["final"] == 1
    assert start["train/loss"] == 1 / 3
    assert start["nested.a"] == [1, 2]
    assert math.isnan(end["train/loss"])
    assert (end["test/loss"], end["low"]) == (math.inf, -math.inf)


def test_a_history_longer_than_a_page_and_than_a_sample(server: WandbServer) -> None:
    server.add("long", [{"epoch": epoch, "test/error": float(epoch)} for epoch in range(1_100)])
    runs, history = logs.load("lab/resnet_preact")
    assert runs["damage"].tolist() == [[]]
    assert history["test/error"].tolist() == [float(epoch) for epoch in range(1_100)]


def test_a_missing_row_is_reported(server: WandbServer) -> None:
    rows = [{"epoch": epoch, "test/error": 10.0} for epoch in range(4)]
    server.add("whole", rows)
    server.add("short", rows, lost=1)
    runs, _ = logs.load("lab/resnet_preact")
    damage = runs.set_index("run_id")["damage"]
    assert damage["whole"] == []
    assert damage["short"] == [
        f"{server.url}/lab/resnet_preact/runs/short: 3 history rows read, the server states 4; read it again"
    ]


def test_filters_spare_the_scan(server: WandbServer) -> None:
    for run_id, profile in (("a", "quick"), ("b", "paper"), ("c", "paper")):
        server.add(run_id, [{"epoch": 0, "test/error": 1.0}], jobType=profile)
    runs, history = logs.load("lab/resnet_preact", profile="paper", run_ids=["a", "b"])
    assert runs["run_id"].tolist() == history["run_id"].tolist() == ["b"]
    assert len([query for query in server.store.queries if "parquetHistory" in query]) == 1


def refusal(source: str) -> str:
    with pytest.raises(logs.LogsError) as raised:
        logs.load(source)
    assert "\n" not in str(raised.value)
    assert "WANDB_API_KEY" in str(raised.value)
    return str(raised.value)


def test_an_unknown_project(server: WandbServer) -> None:
    assert "cannot read 'lab/resnet_pre' from a W&B server: Could not find project" in refusal("lab/resnet_pre")


def test_an_empty_project(server: WandbServer) -> None:
    with pytest.raises(logs.LogsError, match=r"^no run in lab/resnet_preact$"):
        logs.load("lab/resnet_preact")


def test_no_api_key(server: WandbServer, wandb_account: pytest.MonkeyPatch) -> None:
    wandb_account.delenv("WANDB_API_KEY")
    assert "No API key configured" in refusal("lab/resnet_preact")


READ_AND_EXIT = """
from analysis import logs
from analysis.logs import wandb_server
wandb_server.TIMEOUT_S = 1
try:
    logs.load("lab/resnet_preact")
except logs.LogsError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("listens", "reason"), [(False, "connection refused"), (True, "(Client.Timeout|deadline) exceeded")]
)
def test_a_server_that_does_not_answer(wandb_account: pytest.MonkeyPatch, listens: bool, reason: str) -> None:
    """The process that asked comes to its end as well: W&B's own could outlive the question, and keep it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        if not listens:
            silent.close()
        wandb_account.setenv("WANDB_BASE_URL", f"http://{host}")
        wandb_account.setenv("WANDB_API_KEY", API_KEY)
        command = [sys.executable, "-c", READ_AND_EXIT]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd=ROOT)
    (said,) = done.stdout.splitlines()
    assert said.startswith(
        f"cannot read 'lab/resnet_preact' from a W&B server: Failed to verify credentials with http://{host}"
    )
    assert re.search(reason, said)
    assert "while retrying" not in said  # where W&B says the reason once more
    assert "WANDB_API_KEY" in said


def test_a_projects_page_is_a_source_and_names_its_server(
    server: WandbServer, wandb_account: pytest.MonkeyPatch
) -> None:
    server.add("one", [{"epoch": 1, "test/error": 5.0}])
    wandb_account.delenv("WANDB_BASE_URL")  # the address alone says where to ask
    for page in ("lab/resnet_preact", "lab/resnet_preact/workspace?nw=x", "lab/resnet_preact/runs/one"):
        runs, _ = logs.load(f"{server.url}/{page}")
        assert runs["run_id"].tolist() == ["one"]
    with pytest.raises(logs.LogsError, match="names no project; give its page"):
        logs.load(f"{server.url}/lab")


def test_the_rows_of_an_ended_run_are_asked_for_once(server: WandbServer) -> None:
    server.add("ended", [{"epoch": 1, "test/error": 5.0}, {"epoch": 2, "test/error": "NaN"}])
    server.add("running", [{"epoch": 1, "test/error": 6.0}], state="running")
    server.add("short", [{"epoch": 1, "test/error": 7.0}, {"epoch": 2}], lost=1)

    def asked() -> int:
        before = len(server.store.queries)
        frames.append(logs.load("lab/resnet_preact"))
        return sum("HistoryPage" in query for query in server.store.queries[before:])

    frames: list = []
    assert [asked(), asked()] == [3, 2]  # the run that has not ended and the one whose rows are not all there
    for first, second in zip(*frames, strict=True):
        pd.testing.assert_frame_equal(
            first.drop(columns="damage", errors="ignore"), second.drop(columns="damage", errors="ignore")
        )
    server.add("ended", [{"epoch": 1, "test/error": 5.0}, {"epoch": 2, "test/error": 4.0}, {"epoch": 3}])
    assert asked() == 3  # it was resumed
    for path in Path(os.environ["ABLATION_SERVER_CACHE"]).iterdir():
        path.write_bytes(b"damaged")
    assert asked() == 3
    assert frames[-1][1].query("run_id == 'ended'")["epoch"].tolist() == [1, 2, 3]
