"""A run's log: whole on disk when closed, failed when left early; training continues when W&B's process fails."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analysis import logs
from experiments.execution import tracking
from experiments.execution.tracking import Tracker
from experiments.execution.wandb_page import Page

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def opened(tmp_path):
    def start(run_id="abc", mode="offline"):
        config = {"seed": 0, "net": {"name": "resnet8"}}
        return Tracker(tmp_path, mode, Page("planted", "original", "smoke", "original-s0", run_id, ("digits",), config))

    return start


def test_the_log_is_whole_the_moment_it_is_closed(opened, tmp_path):
    """W&B's own finish() returns some milliseconds too early; eight in a row would show it."""
    for k in range(8):
        with opened(f"run{k}") as tracker:
            for epoch in range(1, 31):
                tracker.log({"epoch": epoch, "test/error": 100 / epoch})
            assert tracker.finish("finished", {"test/error": 100 / 30}) == "whole"
        runs, history = logs.load(tmp_path, run_ids=[f"run{k}"])
        assert runs["outcome"].tolist() == ["finished"]
        assert history["test/error"].tolist() == [100 / epoch for epoch in range(1, 31)]
        assert runs["damage"].tolist() == [[]]


def test_a_run_that_is_left_early_is_not_finished(opened, tmp_path):
    class LeftError(Exception):
        pass

    def leave():
        with opened() as tracker:
            tracker.log({"epoch": 1, "test/error": 50.0})
            raise LeftError

    with pytest.raises(LeftError):
        leave()
    runs, history = logs.load(tmp_path)
    assert runs["outcome"].tolist() == ["crashed"]
    assert history["test/error"].tolist() == [50.0]


DYING = """
import os, signal, sys, time
from pathlib import Path
import psutil
from experiments.execution import tracking
from experiments.execution.wandb_page import Page

tracking.ANSWER_LIMIT_S = 3.0


def log(run_id, meet):
    page = Page("planted", "original", "smoke", run_id, run_id)
    with tracking.Tracker(Path(sys.argv[1]), "offline", page) as tracker:
        tracker.log({"epoch": 1, "test/error": 50.0})
        if meet is not None:
            (core,) = [child for child in psutil.Process().children() if child.name().startswith("wandb-core")]
            core.send_signal(meet)
        for epoch in range(2, 50):
            tracker.log({"epoch": epoch, "test/error": 50.0})
        print(tracker.finish("finished", {}))


log("first", getattr(signal, sys.argv[2]))
log("second", None)
"""


@pytest.mark.parametrize(
    ("meet", "reason"),
    [("SIGKILL", r"ended \(ConnectionResetError\)"), ("SIGSTOP", "stopped answering")],
)
def test_training_continues_and_the_next_run_is_logged_when_wandbs_process_fails(tmp_path, meet, reason):
    call = [sys.executable, "-c", DYING, str(tmp_path), meet]
    started = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(call, capture_output=True, text=True, env=environment, timeout=60)
    assert done.stdout.split() == ["lost", "whole"], done.stderr
    assert len(re.findall(f"first: W&B's process {reason}; training continues", done.stderr)) == 1
    assert time.monotonic() - started < 30
    runs, history = logs.load(tmp_path, run_ids=["second"])
    readable = runs[runs["outcome"] != "unreadable"]  # the first run's log may end before it says whose it is
    assert (readable["outcome"].tolist(), len(history)) == (["finished"], 49)


def test_online_without_a_key_the_run_is_logged_offline(opened, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setattr(tracking, "_avoid_until", 0.0)
    with opened(mode="online") as tracker:
        tracker.log({"epoch": 1, "test/error": 50.0})
        assert tracker.finish("finished", {}) == "whole"
    said = "original-s0: no API key for http://127.0.0.1:9: run `wandb login` or set WANDB_API_KEY; this run and the"
    assert capsys.readouterr().err == f"{said} next ones are logged offline\n"
    assert logs.load(tmp_path)[0]["outcome"].tolist() == ["finished"]
