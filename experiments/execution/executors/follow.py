"""Runs that are carried out elsewhere, followed by what their folders say."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from experiments.execution import state
from experiments.execution.attempt import Ended
from experiments.execution.launch import Progress
from experiments.planning.job import Job
from experiments.training import checkpoint

SHARE = 0.1  # of the time is spent asking, at most


class Follower:
    """Reports each new epoch, and waits between two looks so that looking takes little of the time."""

    def __init__(self, progress: Progress, least_s: float) -> None:
        self.progress, self.least_s = progress, least_s
        self.epochs: dict[str, int] = {}
        self.looked_s = 0.0

    def look(self, jobs: Iterable[Job]) -> None:
        started = time.monotonic()
        for job in jobs:
            found, key = state.read(job.folder), str(job.folder)
            if found.row is not None and found.epoch > self.epochs.get(key, 0):
                self.epochs[key] = found.epoch
                self.progress(job, dict(found.row))
        self.looked_s = time.monotonic() - started

    @property
    def pause_s(self) -> float:
        return max(self.least_s, self.looked_s / SHARE)


def split(jobs: Sequence[Job]) -> tuple[list[Job], list[Job]]:
    """Finished jobs, which need no task, and the others.

    By their state, with a checkpoint, a log and the metrics asked for. Unlike the local executor this does not read
    checkpoint and log themselves: thousands of runs would take minutes on the host that submits them.
    """
    logged = {path.name.partition("run-")[2][16:] for path in (jobs[0].study / "wandb").glob("*run-*")}
    done = [job for job in jobs if _looks_finished(job, logged)]
    keys = {job.folder for job in done}
    return done, [job for job in jobs if job.folder not in keys]


def _looks_finished(job: Job, logged: set[str]) -> bool:
    found = state.read(job.folder)
    return (
        found.outcome is not None
        and (job.folder / checkpoint.NAME).exists()
        and (job.wandb == "disabled" or job.log_id in logged)
        and all(f"test/{name}" in (found.row or {}) for name in job.metrics)
    )


def ended_by_state(job: Job) -> Ended | None:
    """How the run has ended, as its process has written it; None if it has not."""
    found = state.read(job.folder)
    match found.outcome:
        case "finished" | "diverged":
            return Ended(job, found.outcome)
    return None if found.error is None else Ended(job, None, found.error)
