"""The W&B log of a timed run: real, offline, in a folder of its own."""

from __future__ import annotations

from pathlib import Path

from experiments.execution.tracking import Tracker


def open_log(folder: Path, name: str) -> Tracker:
    """Use as a context, and call `finish` in it."""
    folder.mkdir(parents=True, exist_ok=True)
    return Tracker(
        folder,
        "offline",
        project="benchmark",
        group=name,
        job_type="benchmark",
        name=name,
        run_id=name,
        tags=(),
        config={},
    )
