"""The W&B side: whole on disk when closed, failed when left early, training unharmed when W&B dies."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis import logs
from experiments.execution.tracking import Tracker, TrackingError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def opened(tmp_path):
    def start(run_id="abc", mode="offline"):
        return Tracker(
            tmp_path, mode, project="planted", group="original", job_type="smoke", name="original-s0", run_id=run_id,
            tags=("digits",), config={"seed": 0, "net": {"name": "resnet8"}},
        )  # fmt: skip

    return start


def test_the_log_is_whole_the_moment_it_is_closed(opened, tmp_path):
    """W&B's own finish() returns some milliseconds too early; eight in a row would show it."""
    for k in range(8):
        with opened(f"run{k}") as tracker:
            for epoch in range(1, 31):
                tracker.log({"epoch": epoch, "test/error": 100 / epoch})
            assert tracker.finish("finished", {"test/error": 100 / 30})
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
import os, signal, subprocess, sys
from pathlib import Path
from experiments.execution.tracking import Tracker

names = dict(project="planted", group="original", job_type="smoke", name="original-s0", run_id="abc")
about = {**names, "tags": (), "config": {}}
with Tracker(Path(sys.argv[1]), "offline", **about) as tracker:
    tracker.log({"epoch": 1, "test/error": 50.0})
    listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True)
    (service,) = [line.split()[0] for line in listed.stdout.splitlines() if "wandb-core" in line]
    os.kill(int(service), signal.SIGKILL)
    for epoch in range(2, 50):
        tracker.log({"epoch": epoch, "test/error": 50.0})
    print("whole" if tracker.finish("finished", {}) else "lost")
"""


def test_training_goes_on_when_wandbs_process_dies(tmp_path):
    call = [sys.executable, "-c", DYING, str(tmp_path)]
    done = subprocess.run(call, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.stdout.split() == ["lost"], done.stderr
    assert done.stderr.count("original-s0: W&B stopped answering") == 1


def test_online_without_a_key_says_what_to_do(opened, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    with pytest.raises(TrackingError, match=r"could not open a run .*; or use --wandb offline"):
        opened(mode="online")
