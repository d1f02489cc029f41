"""`torchrun` with the real command: a process that dies ends the others, a signal leaves a checkpoint, one resumes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = str(ROOT / "scripts/run_ablation.py")
STUDY = (
    SCRIPT, "resnet_preact", "--profile", "smoke", "--variants", "original", "--seeds", "1", "--epochs", "4",
    "--device", "cpu", "--wandb", "disabled",
)  # fmt: skip
IN_PARTS = ("--set", "recipe.bn_groups=2")
PATIENCE_S = 600  # for a machine under load

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="gloo and /proc")


def start(number, out, *more):
    words = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(number), *STUDY, *more]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*words, "--out", str(out)], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    )


def ranks(launcher):
    """Its processes by their number."""
    found = {}
    for child in psutil.Process(launcher.pid).children():
        if "RANK" in (environment := child.environ()):
            found[int(environment["RANK"])] = child
    return found


def state(out):
    paths = list(out.glob("resnet_preact/original/*/checkpoint.pt"))
    return torch.load(paths[0]) if paths else None


def wait_for_rows(launcher, out):
    """Until an epoch is in the checkpoint."""
    until = time.monotonic() + PATIENCE_S
    while (found := state(out)) is None or not found["rows"]:
        assert launcher.poll() is None, launcher.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_process_that_dies_ends_the_others_and_one_process_resumes(tmp_path, victim):
    launcher = start(2, tmp_path / "broken", *IN_PARTS)
    wait_for_rows(launcher, tmp_path / "broken")
    processes = ranks(launcher)
    processes[victim].kill()
    launcher.communicate(timeout=PATIENCE_S)
    assert launcher.returncode != 0
    assert not any(process.is_running() for process in processes.values())
    assert state(tmp_path / "broken")["outcome"] is None
    for out in ("broken", "whole"):
        subprocess.run([sys.executable, *STUDY, *IN_PARTS, "--threads", "1", "--out", tmp_path / out], check=True)
    ours, theirs = (state(tmp_path / out)["net"] for out in ("broken", "whole"))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    (env,) = (tmp_path / "broken").glob("resnet_preact/original/*/env.json")
    assert json.loads(env.read_text())["processes"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_torchrun_leaves_a_checkpoint_within_the_epoch(tmp_path, number):
    launcher = start(2, tmp_path)
    wait_for_rows(launcher, tmp_path)
    launcher.send_signal(number)
    said = launcher.communicate(timeout=PATIENCE_S)[0]
    assert "stopping: each run finishes its step and writes a checkpoint" in said
    assert launcher.returncode != 0
    stopped = state(tmp_path)
    assert stopped["outcome"] is None
    done = len(stopped["rows"])
    resumed = start(2, tmp_path)
    assert resumed.wait(PATIENCE_S) == 0
    assert len(state(tmp_path)["rows"]) == 4 > done


@pytest.mark.slow
def test_what_cannot_be_shared_is_refused_in_one_line(tmp_path):
    launcher = start(3, tmp_path)
    said = launcher.communicate(timeout=PATIENCE_S)[0]
    assert launcher.returncode != 0
    ours = [line for line in said.splitlines() if line.startswith("run_ablation:")]
    message = "3 processes cannot share batches of 32 images equally; start a divisor of 32"
    assert ours == [f"run_ablation: resnet_preact/original: {message}"]
    assert state(tmp_path) is None
