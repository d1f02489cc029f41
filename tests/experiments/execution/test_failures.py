"""Runs that fail as machines make them fail: the others continue, the user is told, what can be repeated is."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from experiments import ablations
from experiments.ablation import Overrides
from experiments.data.load import Dataset, Split
from experiments.datasets import DataError
from experiments.execution.launch import launch
from experiments.execution.run import check_labels, complete_run
from experiments.planning.plan import plan
from experiments.spec import NetSpec
from experiments.training import checkpoint
from experiments.training.session import Control

FILE = Path(__file__).with_name("failing_nets.py")
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def jobs_of(tmp_path):
    """Runs of a net under so many seeds."""
    (tmp_path / "place").mkdir()
    (job, *_) = plan(ablations.load(str(FILE)), "smoke", Overrides(), out=tmp_path / "runs", wandb="disabled")

    def make(net, seeds, **options):
        spec = replace(job.spec, net=NetSpec(net, {"place": str(tmp_path / "place"), **options}))
        return [replace(job, variant=net, spec=replace(spec, seed=seed)) for seed in range(seeds)]

    return make


def ends(jobs, parallel):
    told = []
    found = list(launch(jobs, parallel, lambda job, row: None, lambda job, line: told.append(f"{job.name}: {line}")))
    return {ended.job.name: ended for ended in found}, told


def test_out_of_memory_in_parallel_runs_again_with_fewer(jobs_of):
    ended, told = ends(jobs_of("greedy", 3), 2)
    assert {name: end.result for name, end in ended.items()} == dict.fromkeys(ended, "finished")
    assert len(ended) == 3
    assert [line.partition(": ")[2] for line in told] == [
        "out of memory with batches of 32; it is started again, now with 1 in parallel"
    ]


@pytest.mark.parametrize(
    ("limit", "advice"), [(10, "batches of 8 fit"), (0, "not even a batch of 1 fits: use a smaller net")]
)
def test_out_of_memory_alone_names_the_batch_that_fits(jobs_of, limit, advice):
    ended, told = ends(jobs_of("greedy", 1, batch_limit=limit), 1)
    (end,) = ended.values()
    assert end.known
    assert end.error.startswith(f"out of memory with batches of 32; {advice}")
    assert told == []


def test_a_killed_process_takes_no_other_run_with_it(jobs_of):
    once, other = jobs_of("killed", 1, always=False), jobs_of("greedy", 1, place="")
    ended, told = ends([*once, *other], 2)
    assert {name: end.result for name, end in ended.items()} == {"killed-s0": "finished", "greedy-s0": "finished"}
    assert told == ["killed-s0: its process was killed (signal 9); it is started again, now with 1 in parallel"]


@pytest.mark.slow
def test_a_run_whose_process_is_killed_every_time_is_given_up(jobs_of):
    ended, told = ends([*jobs_of("killed", 1), *jobs_of("greedy", 1, place="")], 2)
    assert ended["greedy-s0"].result == "finished"
    assert ended["killed-s0"].known
    assert ended["killed-s0"].error.startswith("its process was killed 3 times (signal 9); ")
    assert len(told) == 2


HOLDER = """
import sys, time
from pathlib import Path
from experiments.execution.lock import hold
with hold(Path(sys.argv[1])) as lock:
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.mark.parametrize("parallel", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_run_that_another_process_trains_is_waited_for(jobs_of, parallel):
    jobs = jobs_of("greedy", 2, place="")
    jobs[0].folder.mkdir(parents=True)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(jobs[0].folder), "20"], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        told = []
        for ended in launch(jobs, parallel, lambda job, row: None, lambda job, line: told.append(line)):
            assert ended.result == "finished"
            if ended.job.spec.seed == 1:
                holder.kill()  # an owner that dies frees its run at once
                holder.wait()
        assert holder.poll() is not None
    assert [line.startswith(f"process {holder.pid} on ") for line in told] == [True]
    assert "waiting for its result" in told[0]


def test_a_full_disk_is_named_and_the_other_runs_continue(jobs_of, monkeypatch):
    """Checkpoints cannot be written in the first run's folder."""
    import os

    jobs = jobs_of("greedy", 2)
    fsync = os.fsync

    def full(descriptor):
        if any(os.path.samestat(os.fstat(descriptor), path.stat()) for path in jobs[0].folder.iterdir()):
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    ended, _ = ends(jobs, 1)
    assert ended["greedy-s1"].result == "finished"
    line = ended["greedy-s0"].error
    assert ended["greedy-s0"].known
    assert "\n" not in line
    assert line.startswith(f"cannot write {jobs[0].folder / 'checkpoint.pt'}: No space left on device (the disk at ")
    assert list(jobs[0].folder.glob("*.tmp")) == []
    monkeypatch.undo()
    assert complete_run(jobs[0], lambda row: None) == "finished"


def test_a_checkpoint_of_another_net_is_told_in_one_line(jobs_of):
    (job,) = jobs_of("greedy", 1)
    job.folder.mkdir(parents=True)
    parts = {"net": {"x": torch.zeros(3)}, "optimiser": {}}
    checkpoint.save(job.folder, {"run_id": job.spec.run_id, "rows": [], "outcome": None, **parts})
    ended, _ = ends([job], 1)
    assert ended["greedy-s0"].known
    assert "checkpoint.pt does not fit this run" in ended["greedy-s0"].error
    assert "\n" not in ended["greedy-s0"].error


def labelled(train, test):
    splits = [Split(torch.zeros(len(labels), 1, 8, 8), torch.tensor(labels)) for labels in (train, test)]
    return Dataset("planted", *splits, 3)


def test_labels_that_are_no_class_are_refused_and_missing_classes_told():
    told = []
    with pytest.raises(DataError, match="planted: a training image has label 3; labels are 0 to 2"):
        check_labels(labelled([0, 1, 3], [0]), told.append)
    with pytest.raises(DataError, match="planted: a test image has label -1; labels are 0 to 2"):
        check_labels(labelled([0, 1, 2], [-1]), told.append)
    assert told == []
    check_labels(labelled([0, 2, 2], [0, 1, 2]), told.append)
    assert told == ["planted has no training image of class 1"]


def test_a_loss_that_stays_exactly_the_same_is_told(jobs_of):
    (job,) = jobs_of("greedy", 1)
    recipe = replace(job.spec.recipe, learning_rate=0.0)
    told = []
    still = replace(job, spec=replace(job.spec, recipe=recipe))
    complete_run(still, lambda row: None, Control(tell=told.append))
    assert [line.startswith("the test loss is exactly ") for line in told] == [True]
