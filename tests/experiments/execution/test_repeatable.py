"""A net of the user's own that draws at random in every way: the same bits however its runs are started and stopped."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
from torch import nn

import nets
from experiments import ablations
from experiments.ablation import Overrides
from experiments.execution.launch import launch
from experiments.execution.run import complete_run
from experiments.planning.plan import plan
from experiments.spec import NetSpec
from experiments.training import checkpoint
from experiments.training.session import Control, StoppedError

FILE = Path(__file__).with_name("own_net.py")


@pytest.fixture
def planned(one_thread):
    """The four runs of two variants and two seeds."""
    ablation = ablations.load(str(FILE))
    return lambda out: plan(ablation, "smoke", Overrides(), out=out, wandb="disabled")


def results(jobs):
    """Of every run: its rows without times, and its weights, buffers and the optimiser's state."""
    states = [checkpoint.load(job.folder, job.spec.run_id) for job in jobs]
    rows = [[{k: v for k, v in row.items() if "time/" not in k} for row in state["rows"]] for state in states]
    momenta = [{k: v["momentum_buffer"] for k, v in state["optimiser"]["state"].items()} for state in states]
    return rows, [state["net"] for state in states], momenta


def assert_equal(a, b):
    assert a[0] == b[0]
    for ours, theirs in zip(a[1] + a[2], b[1] + b[2], strict=True):
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def run(jobs, parallel, progress=lambda job, row: None):
    assert {ended.result for ended in launch(jobs, parallel, progress)} == {"finished"}
    return results(jobs)


def test_in_turn_in_parallel_alone_stopped_and_killed_give_the_same_bits(planned, tmp_path, capsys):
    one = run(planned(tmp_path / "1"), 1)
    assert not torch.equal(one[1][0]["mask"], one[1][2]["mask"][:4])  # another seed, another mask

    torch.rand(7)  # whatever was drawn before
    alone = planned(tmp_path / "alone")
    for job in reversed(alone):
        complete_run(job, lambda row: None)
    assert_equal(results(alone), one)

    killed = []

    def kill_once(job, row):
        if not killed:
            workers = [p for p in psutil.Process().children(recursive=True) if "forkserver" in " ".join(p.cmdline())]
            killed.append(max(workers, key=lambda process: process.create_time()))
            os.kill(killed[0].pid, signal.SIGKILL)

    jobs = planned(tmp_path / "2")
    assert_equal(run(jobs, 2, kill_once), one)
    assert "its process was killed (signal 9); it is started again, now with 1 in parallel" in capsys.readouterr().err


def test_stopped_inside_epochs_and_resumed_gives_the_same_bits(planned, tmp_path):
    one = run(planned(tmp_path / "1"), 1)
    jobs = planned(tmp_path / "stopped")
    for job in jobs:
        for _ in range(100):
            steps = iter(range(7))  # then the run is to stop: seven steps at a time
            try:
                complete_run(job, lambda row: None, Control(stop=lambda steps=steps: next(steps, None) is None))
            except StoppedError:
                state = checkpoint.load(job.folder, job.spec.run_id)
                assert state["outcome"] is None
            else:
                break
    assert_equal(results(jobs), one)


def test_a_checkpoint_is_written_inside_an_epoch_when_it_is_due(planned, tmp_path):
    (job, *_) = planned(tmp_path)
    saved = []

    def stop():
        state = checkpoint.load(job.folder, job.spec.run_id)
        saved.append(state["epoch"]["next_step"] if state and "epoch" in state else None)
        return len(saved) == 4

    with pytest.raises(StoppedError):
        complete_run(replace(job, checkpoint_minutes=0.0), lambda row: None, Control(stop=stop, checkpoint_s=0.0))
    # A thread writes each while the next step is taken, and is waited for before the one after.
    assert all(step in (done - 1 or None, done or None) for done, step in enumerate(saved)), saved
    state = checkpoint.load(job.folder, job.spec.run_id)
    assert state
    assert state["epoch"]["next_step"] == 4


class Pooled(nn.Module):
    """Max pooling whose backward pass has no deterministic implementation on any device."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.head = nn.Linear(64, num_classes)

    def forward(self, x):
        pooled, places = nn.functional.max_pool2d(x, 2, return_indices=True)
        return self.head(nn.functional.max_unpool2d(pooled, places, 2).flatten(1))


def test_an_operator_without_a_deterministic_implementation_is_named_and_can_be_allowed(planned, tmp_path):
    nets.register("pooled", Pooled)
    (job, *_) = planned(tmp_path)
    spec = replace(job.spec, net=NetSpec("pooled"))
    (ended,) = launch([replace(job, spec=spec)], 1, lambda job, row: None)
    assert ended.known
    assert ended.error.startswith("max_unpooling2d_forward_out does not have a deterministic implementation on cpu; ")
    assert "\n" not in ended.error
    allowed = replace(job, spec=replace(spec, deterministic=False))
    assert allowed.folder != replace(job, spec=spec).folder
    assert [ended.result for ended in launch([allowed], 1, lambda job, row: None)] == ["finished"]
