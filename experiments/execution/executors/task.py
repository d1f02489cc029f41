"""What every executor has its tasks do: one run, just as the local executor does it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from experiments import ablations, temporary
from experiments.execution.attempt import Ended
from experiments.execution.launch import launch
from experiments.planning.job import Job

ROOT = Path(__file__).resolve().parents[3]  # tasks import the bench from there: it must be on a shared path too


def carry_out(job: Job, files: Sequence[Path]) -> Ended:
    """Complete one run in this process. files: of the user, which register what the job names.

    Raises Interrupted, after a checkpoint, when a signal asks this process to end.
    """
    own_temporary_folder()
    for file in files:
        ablations.load_file(file)
    (ended,) = launch([job], 1, lambda job, row: None)
    return ended


@functools.cache
def own_temporary_folder() -> Path:
    """Once per process: Ray's workers carry out several tasks."""
    return temporary.use_own_folder()


def cores_of(job: Job) -> int:
    """Cores for a run's own threads and for the processes that read its images, where their number is given."""
    return job.spec.threads + job.loading.workers


def portable(job: Job) -> Job:
    """The job with absolute paths: a task may start in another folder."""
    data_dir = None if job.data_dir is None else job.data_dir.absolute()
    return replace(job, out=job.out.absolute(), data_dir=data_dir)
