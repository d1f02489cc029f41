"""A small ablation run by the command, killed at random moments, and compared bit for bit with an unbroken one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import psutil
import torch

from analysis import logs

ROOT = Path(__file__).resolve().parents[2]
WORDS = (
    "resnet_preact", "--profile", "smoke", "--variants", "original", "full_preact", "--seeds", "1", "--depth", "8",
    "--epochs", "8", "--jobs", "2",
)  # fmt: skip
SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2")
TARGETS = ("the command", "a child", "all processes")
STATUS = {"SIGKILL": -9, "SIGTERM": 143, "SIGINT": 130, "SIGHUP": 129, "SIGUSR2": 128 + signal.SIGUSR2}
TIMES = ["minutes"]  # columns of the table
MARK = "ABLATION_FAULTS_STUDY"  # in the environment of the command and of whatever it starts


@dataclass
class Tally:
    """What was tried and what became of it."""

    kills: Counter[str] = field(default_factory=Counter)
    studies: int = 0
    differences: list[str] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    lost_s: float = 0.0
    slowest_end_s: float = 0.0

    def report(self) -> str:
        lines = [f"{sum(self.kills.values())} kills in {self.studies} studies:"]
        lines += [f"  {count:3d} {kind}" for kind, count in sorted(self.kills.items())]
        lines += [
            f"differences to the unbroken study: {len(self.differences)} {self.differences}",
            f"processes left behind: {len(self.left_behind)} {self.left_behind}",
            f"unexpected statuses: {len(self.statuses)} {self.statuses}; tracebacks: {len(self.tracebacks)}",
            f"seconds lost over all: {self.lost_s:.0f}; slowest end after a signal: {self.slowest_end_s:.1f} s",
        ]
        return "\n".join(lines)


def start(out: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, MARK: str(out), "COLUMNS": "120", "WANDB_MODE": "offline"}
    call = [sys.executable, str(ROOT / "scripts" / "run_ablation.py"), *WORDS, "--out", str(out)]
    with (out.parent / f"{out.name}.err").open("a") as errors:
        return subprocess.Popen(
            call, stdout=subprocess.DEVNULL, stderr=errors, text=True, env=environment, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job has it ignored
        )  # fmt: skip


def of_study(out: Path) -> list[psutil.Process]:
    """Every living process that the command, or a child of it, has started."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(out) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def left_behind(out: Path, grace_s: float = 20.0) -> list[psutil.Process]:
    """The processes that are still there after `grace_s`: the workers' server takes a moment to notice its end."""
    deadline = time.monotonic() + grace_s
    while (left := of_study(out)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def results(out: Path) -> dict[str, object]:
    """Everything that must be equal: history, summaries, table, weights, optimiser."""
    runs, history = logs.load(out / "resnet_preact")
    timeless = [column for column in history if not column.startswith("time/")]
    runs = runs[runs["outcome"] != "unreadable"]  # the study's own log, killed before it said whose it is
    summary = [column for column in runs if column.startswith("summary.") and "time/" not in column]
    states = {
        str(path.relative_to(out)): torch.load(path, weights_only=True) for path in sorted(out.rglob("checkpoint.pt"))
    }
    return {
        "history": history[timeless].sort_values(["run_id", "epoch"]).reset_index(drop=True),
        "summary": runs[["run_id", "outcome", *summary]].sort_values("run_id").reset_index(drop=True).convert_dtypes(),
        "table": [pd.read_csv(path).drop(columns=TIMES, errors="ignore") for path in sorted(out.rglob("table.csv"))],
        "states": {name: {part: state[part] for part in ("net", "optimiser")} for name, state in states.items()},
    }


def same(a: object, b: object) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and torch.equal(a, b)
    if isinstance(a, pd.DataFrame):
        return isinstance(b, pd.DataFrame) and a.equals(b)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return isinstance(b, list | tuple) and len(a) == len(b) and all(map(same, a, b))
    return a == b


def unbroken(out: Path) -> tuple[dict[str, object], float]:
    """The results without a kill, and the seconds they took."""
    started = time.monotonic()
    assert start(out).wait() == 0, (out.parent / f"{out.name}.err").read_text()
    return results(out), time.monotonic() - started


def harass(
    folder: Path, expected: dict[str, object], takes_s: float, kinds: list[tuple[str, str]], draw: random.Random,
    say: Callable[[str], None] = lambda line: None,
) -> Tally:  # fmt: skip
    """Kill studies in the ways of `kinds`, each at a random moment, starting every study again until it is done."""
    tally, kinds = Tally(), list(kinds)
    while kinds:
        out = folder / f"study{tally.studies}"
        started = time.monotonic()
        while (process := start(out)) and kinds:
            name, target = kinds.pop(0)
            try:
                status = process.wait(timeout=draw.uniform(0, takes_s))
            except subprocess.TimeoutExpired:
                _kill(out, process, name, target, draw, tally)
                say(f"{name} to {target}: {sum(tally.kills.values())} kills, {len(kinds)} to come")
                status = process.returncode
            else:
                kinds.insert(0, (name, target))  # it was done before
            if status == 0:
                break
        else:
            process.wait()
        if process.returncode != 0:
            tally.statuses.append(f"{process.returncode} at the end")
        tally.studies += 1
        tally.lost_s += time.monotonic() - started - takes_s
        found = results(out)
        different = [key for key in expected if not same(expected[key], found[key])]
        tally.differences += [f"study {tally.studies}: {key}" for key in different]
        errors = (folder / f"{out.name}.err").read_text()
        tally.tracebacks += [errors] if "Traceback" in errors else []
    return tally


def _kill(out: Path, process: subprocess.Popen[str], name: str, target: str, draw: random.Random, tally: Tally) -> None:
    number, children = getattr(signal, name), [p for p in of_study(out) if p.pid != process.pid]
    if target == "a child" and children:
        chosen = draw.choice(children)
        words = " ".join(chosen.cmdline()) if chosen.is_running() else ""
        tally.kills[f"{name} to a child"] += 1
        try:
            chosen.send_signal(number)
        except psutil.Error:
            words += " (had ended)"
        if process.wait(timeout=300) != 0:
            tally.statuses.append(f"{process.returncode} after {name} to {words}")
    else:
        tally.kills[f"{name} to {'the command' if target == 'a child' else target}"] += 1
        sent = time.monotonic()
        (os.killpg if target == "all processes" else os.kill)(process.pid, number)
        process.wait(timeout=120)
        tally.slowest_end_s = max(tally.slowest_end_s, time.monotonic() - sent)
        if process.returncode not in (0, STATUS[name], -number):  # -number: before it trained
            tally.statuses.append(f"{process.returncode} after {name} to {target}")
    for orphan in left_behind(out):
        tally.left_behind.append(f"{orphan.pid} {' '.join(orphan.cmdline())[:80]} after {name} to {target}")
        orphan.kill()
