"""Runs carried out elsewhere: which need no task, how they ended, and that each epoch is reported once."""

import dataclasses

import pytest

from experiments.execution import state
from experiments.execution.executors import task
from experiments.execution.executors.follow import Follower, ended_by_state, split
from experiments.execution.executors.task import cores_of, portable
from experiments.execution.launch import launch
from experiments.loading import Loading
from experiments.planning.job import Job


@pytest.fixture
def jobs(tiny, tmp_path):
    specs = [dataclasses.replace(tiny, seed=seed) for seed in range(3)]
    return [Job("planted", "original", "smoke", spec, {}, tmp_path, None, "disabled") for spec in specs]


def test_finished_runs_need_no_task_unless_a_metric_is_missing(jobs, monkeypatch):
    monkeypatch.setattr(task, "own_temporary_folder", lambda: None)  # it is for a process's whole life
    ended = task.carry_out(jobs[0], ())
    assert (ended.job.folder, ended.result) == (jobs[0].folder, "finished")
    assert split(jobs) == (jobs[:1], jobs[1:])
    more = [dataclasses.replace(job, metrics=("ece",)) for job in jobs]
    assert split(more) == ([], more)
    logged = [dataclasses.replace(job, wandb="offline") for job in jobs]
    assert split(logged) == ([], logged)  # it has no log yet
    (jobs[0].folder / "checkpoint.pt").unlink()
    assert split(jobs) == ([], jobs)


def test_how_a_run_ended_is_what_its_process_has_written(jobs):
    assert ended_by_state(jobs[0]) is None
    list(launch(jobs[:1], 1, lambda job, row: None))
    assert ended_by_state(jobs[0]).result == "finished"
    jobs[1].folder.mkdir(parents=True)
    state.begin(jobs[1].folder)
    assert ended_by_state(jobs[1]) is None
    state.fail(jobs[1].folder, "no room")
    assert ended_by_state(jobs[1]).error == "no room"
    state.retry(jobs[1].folder)
    assert ended_by_state(jobs[1]) is None


def test_each_epoch_is_reported_once(jobs):
    seen = []
    follower = Follower(lambda job, row: seen.append((job.spec.seed, row["epoch"])), least_s=0.5)
    jobs[0].folder.mkdir(parents=True)
    for epoch in (1, 1, 2):
        state.log(jobs[0].folder, [{"epoch": k + 1, "time/epoch_s": 1.0} for k in range(epoch)])
        follower.look(jobs)
    assert seen == [(0, 1), (0, 2)]
    assert follower.pause_s >= 0.5


def test_a_task_may_start_in_another_folder(jobs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = portable(dataclasses.replace(jobs[0], out=jobs[0].out.relative_to(tmp_path), data_dir=tmp_path))
    assert job.out == tmp_path
    assert job.folder == jobs[0].folder
    assert cores_of(job) == 1
    assert cores_of(dataclasses.replace(job, loading=Loading(loader_workers=3))) == 4
