"""The W&B log of a timed run: real, offline, in a folder of its own."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from experiments.execution.tracking import Tracker
from experiments.execution.wandb_page import Page
from experiments.planning.throughput import Log


def open_log(folder: Path, name: str) -> Tracker:
    """Use as a context, and call `finish` in it."""
    folder.mkdir(parents=True, exist_ok=True)
    return Tracker(folder, "offline", Page("benchmark", name, "benchmark", name, name))


@contextmanager
def process_log(folder: Path, process: int) -> Generator[Log]:
    """The log of one of several processes that are timed in parallel."""
    with open_log(folder / str(process), "speed") as tracker:
        yield tracker.log
        tracker.finish("finished", {})
