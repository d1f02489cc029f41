"""Runs that share a process, each taking a step in its turn, give the bits of runs that train alone."""

import os
import signal
from dataclasses import replace
from functools import partial

import psutil
import pytest
from greenlet import getcurrent

from experiments.execution import launch as launching
from experiments.execution import run as running
from experiments.execution.launch import launch
from experiments.execution.run import complete_run
from experiments.planning.job import Job
from experiments.spec import NetSpec
from experiments.training import checkpoint, session
from experiments.training.process_state import ProcessState
from experiments.training.session import Control, StoppedError
from experiments.training.step import RecordedStep
from experiments.training.turns import Turns
from tests.experiments.recording import Operators
from tests.experiments.training.test_resume import tensors

pytestmark = pytest.mark.usefixtures("one_thread")

DROPOUT = NetSpec("resnet8", {"order": "full_preact", "shortcut": "dropout"})
STOPPED_AT = (10, 12, 5)  # questions whether to stop: 7 steps of the first epoch, its test batch, 6 steps, ...


def jobs_of(tiny, out):
    """Two that draw from the global streams, for two seeds, and one that diverges."""
    recipe = replace(tiny.recipe, iterations=16)
    wild = replace(recipe, learning_rate=1e12, ema=0.9)
    specs = {
        "dropout": replace(tiny, net=DROPOUT, recipe=recipe),
        "again": replace(tiny, net=DROPOUT, recipe=recipe, seed=2),
        "wild": replace(tiny, recipe=wild),
    }
    return [Job("planted", name, "smoke", spec, {}, out, None, "disabled") for name, spec in specs.items()]


def together(jobs, stop_after=None):
    """The jobs' results, in one process, and in which order they took their steps."""
    turns, results, order = Turns("cpu"), {}, []

    def complete(k, job):
        def turn():
            order.append(job.variant)
            turns.turn()

        steps = iter(range(stop_after[k]) if stop_after else iter(int, 1))
        control = Control(stop=lambda: next(steps, None) is None, turn=turn)
        try:
            results[job.variant] = complete_run(job, lambda row: None, control)
        except StoppedError:
            results[job.variant] = "stopped"

    for k, job in enumerate(jobs):
        turns.add(partial(complete, k, job))
    while turns:
        turns.take()
    return results, order


def states(jobs):
    return [checkpoint.load(job.folder, job.spec.run_id) for job in jobs]


def different(ours, theirs):
    """Names of tensors and rows that are not the same bits, NaN included, run by run."""
    found = []
    for a, b in zip(ours, theirs, strict=True):
        parts = [{k: v for part in ("net", "optimiser") for k, v in tensors(s[part], part).items()} for s in (a, b)]
        assert parts[0].keys() == parts[1].keys()
        found += [k for k, v in parts[0].items() if v.numpy().tobytes() != parts[1][k].numpy().tobytes()]
        rows = ([{k: v for k, v in row.items() if "time" not in k} for row in state["rows"]] for state in (a, b))
        found += [f"row {row}" for row, other in zip(*rows, strict=True) if str(row) != str(other)]
    return found


@pytest.fixture
def alone(tiny, tmp_path):
    """Each of the three trained by itself, in eager steps."""
    jobs = jobs_of(tiny, tmp_path / "alone")
    assert [complete_run(job, lambda row: None) for job in jobs] == ["finished", "finished", "diverged"]
    return states(jobs)


@pytest.fixture(params=["eager", "recorded"])
def kind(request, monkeypatch):
    """Eager steps, and steps recorded on the stand-in for CUDA graphs."""
    if request.param == "recorded":
        monkeypatch.setattr(session, "make_step", lambda *parts: RecordedStep(*parts, recorder=Operators()))
    return request.param


ENDS = {"dropout": "finished", "again": "finished", "wild": "diverged"}


def test_together_as_alone(tiny, alone, tmp_path, kind):
    """Two runs with dropout and one that diverges."""
    jobs = jobs_of(tiny, tmp_path / "together")
    results, order = together(jobs)
    assert results == ENDS
    assert different(states(jobs), alone) == []
    unsettled = 0 if kind == "eager" else RecordedStep.EAGER
    assert order[:6] == ["dropout", "again", "wild"] * 2
    assert [order.count(job.variant) for job in jobs[:2]] == [16 - unsettled] * 2


def test_stopped_and_resumed_together_as_alone(tiny, alone, tmp_path, kind):
    jobs = jobs_of(tiny, tmp_path / "together")
    assert set(together(jobs, STOPPED_AT)[0].values()) == {"stopped"}
    assert together(jobs)[0] == ENDS
    assert different(states(jobs), alone) == []


def test_streams_that_are_not_exchanged_are_noticed(tiny, alone, tmp_path, monkeypatch):
    """A planted fault: all three draw from the same streams."""
    monkeypatch.setattr(ProcessState, "_return", lambda self: None)
    jobs = jobs_of(tiny, tmp_path / "together")
    together(jobs)
    assert different(states(jobs)[:1], alone[:1]) != []


def test_one_copy_of_the_data(tiny, tmp_path, monkeypatch):
    loads, load = [], running.load_for
    monkeypatch.setattr(running, "load_for", lambda *arguments: loads.append(arguments) or load(*arguments))
    together(jobs_of(tiny, tmp_path))
    assert len(loads) == 1
    complete_run(jobs_of(tiny, tmp_path / "later")[0], lambda row: None)
    assert len(loads) == 2  # kept only while a run uses it


def test_each_log_is_whole_though_they_share_wandbs_process(tiny, tmp_path):
    """The first to end must not end that process."""
    short, long = (replace(tiny.recipe, iterations=steps) for steps in (3, 9))
    jobs = [
        Job("planted", name, "smoke", replace(tiny, recipe=recipe), {"parameters": 7}, tmp_path, None, "offline")
        for name, recipe in (("short", short), ("long", long))
    ]
    assert together(jobs)[0] == {"short": "finished", "long": "finished"}
    assert all(running.is_finished(job) for job in jobs)
    assert sorted(len(state["rows"]) for state in states(jobs)) == [1, 2]


def test_what_a_run_raises_is_raised_by_take():
    turns = Turns("cpu")
    turns.add(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        turns.take()
    assert getcurrent() is turns.loop


@pytest.fixture
def in_one_process(monkeypatch):
    """As on a GPU: all that train in parallel share a worker."""
    monkeypatch.setattr(launching, "share", lambda device, parallel: parallel)


def test_a_group_whose_process_is_killed_is_started_again(tiny, alone, tmp_path, in_one_process):
    """Fewer share a process afterwards, until one is alone; the bits stay the same."""
    jobs, told, pids = jobs_of(tiny, tmp_path / "group"), [], []

    def kill(job, row):
        workers = [p for p in psutil.Process().children(recursive=True) if holds(p, jobs)]
        if row["epoch"] == 2 and not pids and workers:
            pids.append(workers[0].pid)
            os.kill(workers[0].pid, signal.SIGKILL)

    ended = list(launch(jobs, 3, kill, tell=lambda job, line: told.append(line)))
    assert {end.job.variant: end.result for end in ended} == ENDS
    assert len(pids) == 1
    assert any(
        "its process was killed (signal 9); it is started again, now with 1 in parallel" in line for line in told
    )
    assert different(states(jobs), alone) == []


def holds(process, jobs):
    """Whether the locks of the jobs' folders name the process."""
    locks = [job.folder / "run.lock" for job in jobs]
    return any(f"pid={process.pid}" in lock.read_text() for lock in locks if lock.exists())
