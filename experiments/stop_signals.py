"""The signals that ask runs to stop, and processes that never see them."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager

# SIGUSR2: what clusters send some time before a job's limit, as by SLURM's --signal=USR2@120.
NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2")
SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))  # Windows has two of them


@contextmanager
def blocked() -> Generator[None]:
    """Processes started within it never see these signals: their parent decides. Here they arrive at its end."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
