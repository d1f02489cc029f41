"""Runs that another process is training: waited for, since the table needs them too."""

from __future__ import annotations

from collections.abc import Callable

from filelock import SoftFileLease

from experiments.execution.lock import LEASE_S, holder_of, is_free, lock_of
from experiments.planning.job import Job

POLL_S = 1.0


class Held:
    """Jobs whose lock another process holds. Each keeps one lock object, which measures how old the heartbeat is."""

    def __init__(self, tell: Callable[[Job, str], None]) -> None:
        self.tell = tell
        self.locks: dict[str, tuple[Job, SoftFileLease]] = {}
        self.waiting: set[str] = set()
        self.told: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.waiting)

    def add(self, job: Job) -> None:
        key = str(job.folder)
        self.waiting.add(key)
        self.locks.setdefault(key, (job, lock_of(job.folder)))
        if key not in self.told:
            self.told.add(key)
            self.tell(
                job,
                f"{holder_of(job.folder)} is training it; waiting for its result (it is taken over if that process "
                f"has ended, on another host after {LEASE_S:.0f} s)",
            )

    def freed(self) -> list[Job]:
        """The jobs that can be tried again."""
        found = []
        for key in sorted(self.waiting):
            job, lock = self.locks[key]
            if is_free(lock):
                lock.release()
                self.waiting.discard(key)
                found.append(job)
        return found
