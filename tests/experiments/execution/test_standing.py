"""Where runs stand, read from their folders: real runs, planted states, and the time left by hand."""

import dataclasses
import time
from collections import Counter

import pytest

from experiments.execution import state
from experiments.execution.launch import launch
from experiments.execution.lock import hold
from experiments.execution.standing import Standing, epoch_timer, left_s, standings, summary_of, unfinished
from experiments.execution.state import State
from experiments.planning.job import Job
from experiments.planning.plan_file import Planned, planned_of
from experiments.training import checkpoint


@pytest.fixture
def jobs(tiny, tmp_path):
    specs = [dataclasses.replace(tiny, seed=seed) for seed in range(4)]
    return [
        Job("planted", "original", "smoke", spec, {"multiply_adds": 1}, tmp_path, None, "disabled") for spec in specs
    ]


def kinds(jobs):
    return [each.kind for each in standings(jobs[0].study, list(map(planned_of, jobs)))]


def test_one_of_each_kind(jobs):
    assert kinds(jobs) == ["waiting"] * 4
    assert [ended.result for ended in launch(jobs[:1], 1, lambda job, row: None)] == ["finished"]
    jobs[1].folder.mkdir(parents=True)
    other = {"run_id": "another", "rows": [], "outcome": None, "net": {}, "optimiser": {}}
    checkpoint.save(jobs[1].folder, other)
    (failed,) = launch(jobs[1:2], 1, lambda job, row: None)
    jobs[2].folder.mkdir(parents=True)
    with hold(jobs[2].folder):
        state.begin(jobs[2].folder)
        assert kinds(jobs) == ["done", "failed", "running", "waiting"]
    assert kinds(jobs) == ["done", "failed", "waiting", "waiting"]
    assert unfinished(jobs) == 3
    done = state.read(jobs[0].folder)
    saved = checkpoint.load(jobs[0].folder, jobs[0].spec.run_id)
    assert (done.epoch, done.outcome, dict(done.row)) == (5, "finished", saved["rows"][-1])
    assert done.train_s == pytest.approx(sum(row["time/epoch_s"] for row in saved["rows"]))
    assert state.read(jobs[1].folder).error == failed.error


def test_a_run_of_an_older_version_gets_its_state_when_it_is_skipped(jobs):
    list(launch(jobs[:1], 1, lambda job, row: None))
    before = state.read(jobs[0].folder)
    (jobs[0].folder / state.NAME).unlink()
    assert [ended.result for ended in launch(jobs[:1], 1, lambda job, row: None)] == ["skipped"]
    after = state.read(jobs[0].folder)
    assert (after.epoch, after.train_s, after.outcome) == (before.epoch, before.train_s, before.outcome)


def test_what_stopped_a_run_is_forgotten_when_it_is_started_again(jobs):
    jobs[0].folder.mkdir(parents=True)
    state.fail(jobs[0].folder, "Traceback\n  ...\nValueError: planted\n")
    assert state.read(jobs[0].folder).error == "ValueError: planted"
    assert [ended.result for ended in launch(jobs[:1], 1, lambda job, row: None)] == ["finished"]
    assert state.read(jobs[0].folder).error is None


def test_the_lock_of_another_host_counts_while_its_heart_beats(jobs):
    folder = jobs[0].folder
    folder.mkdir(parents=True)
    with hold(folder):
        text = (folder / "run.lock").read_text()
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    (folder / "run.lock").write_text(text.replace(f"host={fields['host']}", "host=elsewhere"))
    assert kinds(jobs)[0] == "running"
    import os

    os.utime(folder / "run.lock", (time.time() - 120,) * 2)
    assert kinds(jobs)[0] == "waiting"


def at(variant, kind, epoch, train_s, work, since=0.0):
    planned = Planned(f"{variant}-s0", variant, f"{variant}/seed0", 10, work)
    return Standing(planned, kind, State(epoch=epoch, train_s=train_s, since=since, updated=since))


def test_the_time_left_by_hand():
    """Ten epochs each: a done run at 2 s an epoch, one of its variant that waits, a running one at 6 s an epoch which
    has spent 3 s on its fifth, and an untimed variant of twice the done one's work."""
    found = [
        at("a", "done", 10, 20.0, 100.0),
        at("a", "waiting", 0, 0.0, 100.0),
        at("b", "running", 4, 24.0, 100.0, since=997.0),
        at("c", "waiting", 0, 0.0, 200.0),
    ]
    epoch_s = epoch_timer(found)
    work_s = (20 + 24) / (100 + 40)  # seconds per unit of work in what has been timed
    assert [epoch_s(each) for each in found] == pytest.approx([2.0, 2.0, 6.0, work_s * 20])
    lefts = [left_s(each, epoch_s(each), now=1000.0) for each in found]
    assert lefts == pytest.approx([0.0, 20.0, 6 * 6 - 3, work_s * 200])
    summary = summary_of(found, now=1000.0)
    assert summary.counts == Counter(done=1, waiting=2, running=1)
    assert (summary.spent_s, summary.left_s) == pytest.approx((44.0, sum(lefts)))


def test_nothing_timed_yet_leaves_the_time_open():
    assert summary_of([at("a", "waiting", 0, 0.0, 1.0)], now=0.0).left_s is None
