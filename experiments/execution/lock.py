"""The lock of a run's folder: held by one process, on whichever host, and freed when that process is gone."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import SoftFileLease, Timeout

NAME = "run.lock"
LEASE_S = 60.0  # a holder on another host that gives no sign of life for so long is taken to be dead


def lock_of(folder: Path) -> SoftFileLease:
    """A file with its holder's host, process id and heartbeat; it needs no lock of the operating system.

    A dead holder on this host is noticed at once; one on another host after its heartbeat has stopped for LEASE_S, as
    measured by a lock object that tries to acquire it repeatedly.
    """
    return SoftFileLease(folder / NAME, lease_duration=LEASE_S, timeout=0, thread_local=False)


@contextmanager
def hold(folder: Path) -> Generator[SoftFileLease | None]:
    """The lock, or None if another process holds it."""
    lock = lock_of(folder)
    if not is_free(lock):
        yield None
        return
    try:
        yield lock
    finally:
        lock.release()


def is_free(lock: SoftFileLease) -> bool:
    """Whether the lock could be taken; it is then held by this process."""
    try:
        lock.acquire()
    except Timeout:
        return False
    return True


def holder_of(folder: Path) -> str:
    """Process id and host, as the lock file has them."""
    try:
        fields = dict(line.split("=", 1) for line in (folder / NAME).read_text().splitlines() if "=" in line)
    except OSError:
        return "another process"
    return f"process {fields['pid']} on {fields['host']}" if {"pid", "host"} <= fields.keys() else "another process"
