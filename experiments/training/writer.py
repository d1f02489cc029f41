"""A run's checkpoints written by a thread, while the run goes on training."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from experiments.training import checkpoint
from experiments.training.flat import Flat


class Writer:
    """The checkpoints are written one after the other, in the order in which they were given.

    One counts only when it is whole on disk: a process that is killed before resumes from the one before it. What a
    write raised is raised by the next call.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.flat = folder, Flat()
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self.pending: Future[None] | None = None

    def write(self, state: dict[str, Any]) -> None:
        """Copy `state`, once the write before it has ended, and begin to write the copy."""
        self.wait()
        copy, arrival = self.flat.copy(state)
        self.pending = self.thread.submit(self._write, copy, arrival)

    def wait(self) -> None:
        """Until all that was given is on disk. Raises CheckpointError if it could not be written."""
        pending, self.pending = self.pending, None
        if pending is not None:
            pending.result()

    def _write(self, state: dict[str, Any], arrival: Callable[[], None]) -> None:
        arrival()
        checkpoint.save(self.folder, state)

    def close(self) -> None:
        """Wait, and end the thread."""
        try:
            self.wait()
        finally:
            self.thread.shutdown()
