"""A plan of thousands of runs: seconds to make it, to list it, and to read where it stands."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.command_line import check_positive, run
from experiments import ablations
from experiments.ablation import Overrides
from experiments.execution import state
from experiments.execution.lock import NAME as LOCK
from experiments.planning import plan_file
from experiments.planning.job import Job
from experiments.planning.plan import plan
from experiments.terminal.status import look

ABLATION = "mnist_basics"
HELD = "filelock/2\npid=1\nhost=another-host\nmode=lease\ntoken=0\nduration=60.0\nstart=0\n"


@dataclass
class Args:
    """Plan runs of mnist_basics, list their folders, and read their status when 80 of 100 are done, 4 running and 1
    failed, in a temporary folder."""

    runs: int = 10_000
    """Runs of the plan."""
    folder: Path | None = None
    """Where the temporary folder is created, e.g. on the file system that your cluster shares."""


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock, and of the processor: on a machine with other work the latter are fewer."""

    clock_s: float
    processor_s: float


def timed(runs: int, out: Path) -> dict[str, Spent]:
    """What each step takes."""
    ablation = ablations.load(ABLATION)
    seeds = range(-(-runs // len(ablation.variants_of("smoke"))))
    steps: dict[str, Spent] = {}
    begun = (time.perf_counter(), time.process_time())

    def over(step: str) -> None:
        nonlocal begun
        now = (time.perf_counter(), time.process_time())
        steps[step] = Spent(now[0] - begun[0], now[1] - begun[1])
        begun = (time.perf_counter(), time.process_time())

    jobs = plan(ablation, "smoke", Overrides(), seeds=seeds, out=out)[:runs]
    over("make the plan")
    _ = [str(job.folder) for job in jobs]
    over("list its folders")
    plan_file.write(jobs, "smoke")
    over("write it")
    plant(jobs)
    begun = (time.perf_counter(), time.process_time())
    look(Console(width=120), out, ABLATION, None, watch=False)
    over("read its status")
    return steps


def plant(jobs: Sequence[Job]) -> None:
    """The folders as they are when most runs are over."""
    running = []
    for k, job in enumerate(jobs):
        job.folder.mkdir(parents=True)
        rows = [{"epoch": job.spec.epochs, "time/epoch_s": 1.0, "test/error": 2.5}]
        if k % 100 < 80:
            state.end(job.folder, rows, "finished")
        elif k % 100 < 84:
            state.begin(job.folder)
            running.append(job.folder / LOCK)
        elif k % 100 == 84:
            state.fail(job.folder, "planted: out of memory")
    for lock in running:
        lock.write_text(HELD)


def main(args: Args) -> None:
    check_positive(args, "runs")
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        steps = timed(args.runs, Path(folder))
    said = ", ".join(f"{step} {spent.clock_s:.2f} s ({spent.processor_s:.2f} s)" for step, spent in steps.items())
    print(f"{args.runs:,} runs, by the clock (and of the processor): {said}")


if __name__ == "__main__":
    run(Args, main)
