"""Many runs: side by side as one by one, one that fails beside others, workers that end with their parent."""

import dataclasses
import os
import subprocess
import sys

import psutil
import pytest
import torch

from experiments.execution.launch import launch
from experiments.planning.job import Job
from experiments.spec import NetSpec
from experiments.training import checkpoint


def jobs_of(tiny, out, orders=("original", "full_preact")):
    specs = {order: dataclasses.replace(tiny, net=NetSpec("resnet8", {"order": order})) for order in orders}
    return [Job("planted", order, "smoke", spec, {}, out, None, "disabled") for order, spec in specs.items()]


def test_two_in_parallel_give_the_same_bits_as_one_after_the_other(tiny, tmp_path):
    results = {}
    for parallel in (1, 2):
        jobs, seen = jobs_of(tiny, tmp_path / str(parallel)), []
        ended = list(launch(jobs, parallel, lambda job, row, seen=seen: seen.append((job.variant, row["epoch"]))))
        assert sorted((e.job.variant, e.result) for e in ended) == [
            ("full_preact", "finished"),
            ("original", "finished"),
        ]
        assert sorted(seen) == [(order, epoch) for order in ("full_preact", "original") for epoch in range(1, 6)]
        results[parallel] = [checkpoint.load(job.folder, job.spec.run_id) for job in jobs]
    for alone, together in zip(results[1], results[2], strict=True):
        assert all(torch.equal(alone["net"][name], together["net"][name]) for name in alone["net"])
        for a, b in zip(alone["rows"], together["rows"], strict=True):
            assert {k: v for k, v in a.items() if "time" not in k} == {k: v for k, v in b.items() if "time" not in k}


@pytest.mark.parametrize("parallel", [1, 2])
def test_steps_are_reported_from_the_first_on(tiny, tmp_path, parallel):
    seen = {}
    jobs = jobs_of(tiny, tmp_path)
    ended = launch(
        jobs, parallel, lambda job, row: None, stepped=lambda job, k: seen.setdefault(job.variant, []).append(k)
    )
    assert {e.result for e in ended} == {"finished"}
    assert {steps[0] for steps in seen.values()} == {1}
    assert set(seen) == {job.variant for job in jobs}
    assert all(steps == sorted(set(steps)) and steps[-1] <= 26 for steps in seen.values())


def test_one_that_fails_does_not_stop_the_others(tiny, tmp_path):
    jobs = jobs_of(tiny, tmp_path)
    jobs[0].folder.mkdir(parents=True)
    other = {"run_id": "another", "rows": [], "outcome": None, "net": {}, "optimiser": {}}
    checkpoint.save(jobs[0].folder, other)
    ended = {e.job.variant: e for e in launch(jobs, 1, lambda job, row: None)}
    assert ended["full_preact"].result == "finished"
    assert ended["original"].known
    assert "belongs to run another" in ended["original"].error


def test_workers_end_when_their_parent_is_killed(tmp_path):
    """SIGKILL leaves no time to tidy up; an orphan would hold its run's lock and go on training."""
    code = f"""
import sys
from pathlib import Path
from experiments.ablations import load
from experiments.ablation import Overrides
from experiments.execution.launch import launch
from experiments.planning.plan import plan
if __name__ == "__main__":
    out = Path({str(tmp_path)!r})
    jobs = plan(load("resnet_preact"), "smoke", Overrides(epochs=1000), seeds=[0], out=out, wandb="disabled")
    list(launch(jobs[:2], 2, lambda job, row: print(row["epoch"], flush=True)))
"""
    script = tmp_path / "start.py"
    script.write_text(code)
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."}
    ) as parent:
        try:
            assert parent.stdout.readline().strip() == b"1"
            children = psutil.Process(parent.pid).children(recursive=True)
            assert len(children) >= 2
        finally:
            parent.kill()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == [], "a worker outlived its parent"


@pytest.mark.gpu
def test_a_gpu_run_is_exact_too(tiny, tmp_path):
    states = []
    for name in ("a", "b"):
        spec = dataclasses.replace(tiny, device="cuda")
        (job,) = jobs_of(spec, tmp_path / name, orders=("full_preact",))
        list(launch([job], 1, lambda job, row: None))
        states.append(checkpoint.load(job.folder, job.spec.run_id))
    assert all(torch.equal(states[0]["net"][k], states[1]["net"][k]) for k in states[0]["net"])
