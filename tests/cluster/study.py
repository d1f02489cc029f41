"""A small study on a cluster beside the same one on this machine: what both demonstrations share."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import torch

from analysis import logs
from experiments.execution import state
from experiments.planning import plan_file
from tests.faults.study import ROOT, same

NAME = "mnist_basics"
WORDS = (NAME, "--profile", "smoke", "--variants", "cnn", "lenet", "--seeds", "2", "--epochs", "12")
LIMIT_S = 1800.0


def command(out: Path, *words: str) -> list[str]:
    return [sys.executable, str(ROOT / "scripts" / "run_ablation.py"), *WORDS, "--out", str(out), *words]


def local(out: Path) -> None:
    """The study on this machine, without a break."""
    subprocess.run(command(out), check=True, stdout=subprocess.DEVNULL)


def folders(out: Path) -> dict[str, Path]:
    """The folder of each run, by its name; none before the plan is made."""
    plans = plan_file.read(out / NAME).values()
    return {run.name: out / NAME / run.folder for plan in plans for run in plan}


def wait_for(ready: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} after {LIMIT_S:.0f} s")
        time.sleep(0.2)


def epoch_of(out: Path, run: str) -> int:
    return state.read(folders(out)[run]).epoch if run in folders(out) else 0


def process_of(variable: str, value: str, words: str) -> psutil.Process:
    """The process of this study that has `value` in its environment and `words` in its command."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(variable) == value and words in " ".join(process.cmdline()):
                return process
        except psutil.Error:
            continue
    raise LookupError(f"no process with {variable}={value}")


def results(out: Path) -> dict[str, object]:
    """Everything that must be equal: every metric of every epoch, summaries, weights, optimiser."""
    runs, history = logs.load(out / NAME)
    timeless = [column for column in history if not column.startswith("time/")]
    runs = runs[runs["outcome"] != "unreadable"]
    summary = [column for column in runs if column.startswith("summary.") and "time/" not in column]
    states = {str(path.relative_to(out)): torch.load(path, weights_only=True) for path in out.rglob("checkpoint.pt")}
    return {
        "history": history[timeless].sort_values(["run_id", "epoch"]).reset_index(drop=True),
        "summary": runs[["run_id", "outcome", *summary]].sort_values("run_id").reset_index(drop=True).convert_dtypes(),
        "states": {name: {part: saved[part] for part in ("net", "optimiser")} for name, saved in states.items()},
    }


def fragments(out: Path) -> dict[str, int]:
    """Logs per run: one, and one more for every time that it was resumed. A run trained twice would have more."""
    found = dict.fromkeys(folders(out), 0)
    for path in (out / NAME / "wandb").glob("*run-*"):
        for run in found:
            found[run] += path.name.partition("run-")[2][16:].startswith(f"{run}-")
    return found


def differences(expected: Path, found: Path) -> list[str]:
    a, b = results(expected), results(found)
    return [key for key in a if not same(a[key], b[key])]


def status(out: Path, prefix: Sequence[str] = ()) -> str:
    """The page of --status, from the host that `prefix` enters."""
    call = [*prefix, sys.executable, str(ROOT / "scripts" / "run_ablation.py"), NAME, "--status", "--out", str(out)]
    environment = os.environ | {"COLUMNS": "120"}
    return subprocess.run(call, capture_output=True, text=True, check=True, env=environment).stdout
