"""The lock of a run's folder: held by one process, on whichever host, and freed when that process is gone."""

from __future__ import annotations

import platform
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
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
    """Process id and host, as the lock file has them, without the number of a container's processes behind the host."""
    fields = _fields(folder)
    host = fields.get("host", "").partition("?")[0]
    return f"process {fields['pid']} on {host}" if {"pid", "host"} <= fields.keys() else "another process"


def is_held(folder: Path, now: float | None = None) -> bool:
    """Whether a process works on the run, without trying to take the lock: for those who only watch.

    A holder on this host is asked for; one on another host counts while its last heartbeat is less than LEASE_S ago.
    now: seconds since 1970 by this host's clock, which must agree with the file server's to well below LEASE_S.
    """
    fields = _fields(folder)
    if fields.get("host") == platform.node():
        return psutil.pid_exists(int(fields.get("pid", 0)))
    try:
        return (time.time() if now is None else now) - (folder / NAME).stat().st_mtime < LEASE_S
    except OSError:
        return False


def _fields(folder: Path) -> dict[str, str]:
    try:
        lines = (folder / NAME).read_text().splitlines()
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)
