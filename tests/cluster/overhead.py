"""What an executor adds to a run: many runs of a few steps, two at a time, by each of them.

`python -m tests.cluster.overhead slurm 4` as root: an executor (local, slurm or ray) and a number of runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from experiments.execution import state
from tests.cluster.ray_nodes import STORE, alone
from tests.cluster.study import NAME, folders
from tests.cluster.two_nodes import TwoNodes
from tests.faults.study import ROOT

WORDS = (NAME, "--profile", "smoke", "--variants", "cnn", "--epochs", "0.1", "--wandb", "disabled")
Place = tuple[list[str], list[str], Mapping[str, str]]  # words before the command and behind it, and its environment


@contextmanager
def here() -> Generator[Place]:
    yield [], ["--jobs", "2"], os.environ


@contextmanager
def on_slurm() -> Generator[Place]:
    with TwoNodes(cpus=1) as cluster:
        yield cluster.inside(), ["--executor", "slurm", "--time", "60"], cluster.environment


@contextmanager
def on_ray() -> Generator[Place]:
    clusters: Any = import_module("ray.cluster_utils")
    node = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": STORE}
    cluster = clusters.Cluster(initialize_head=True, head_node_args=node)
    cluster.add_node(**node)
    cluster.wait_for_nodes()
    try:
        yield [], ["--executor", "ray", "--address", cluster.address], os.environ
    finally:
        cluster.shutdown()


PLACES = {"local": here, "slurm": on_slurm, "ray": on_ray}


def measure(executor: str, runs: int) -> str:
    """Seconds of the whole command per run, and those that a run itself took from its lock to its last epoch."""
    with tempfile.TemporaryDirectory() as temporary, PLACES[executor]() as (before, behind, environment):
        out = Path(temporary) / "runs"
        script = [sys.executable, str(ROOT / "scripts" / "run_ablation.py")]
        call = [*before, *script, *WORDS, "--seeds", str(runs), "--out", str(out), *behind]
        started = time.monotonic()
        done = subprocess.run(call, capture_output=True, text=True, env=environment)
        whole = time.monotonic() - started
        if done.returncode != 0:
            raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
        found = [state.read(folder) for folder in folders(out).values()]
    assert [each.outcome for each in found] == ["finished"] * runs
    own = sum(each.updated - each.since for each in found) / runs
    return (
        f"{executor}, {runs} runs, two at a time: {whole:.0f} s, {whole / runs:.2f} s per run; in the run {own:.2f} s"
    )


if __name__ == "__main__":
    if sys.argv[1] == "ray" and "inside" not in sys.argv:
        sys.exit(
            subprocess.run(alone(sys.executable, "-m", "tests.cluster.overhead", *sys.argv[1:], "inside")).returncode
        )
    print(measure(sys.argv[1], int(sys.argv[2])))
