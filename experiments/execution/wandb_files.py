"""A study's W&B logs on disk: one folder per process that logged a run, and which of them a server still lacks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from experiments.planning.job import Job


def log_id(job: Job) -> str:
    """The run's id in W&B; one that was begun under the id of older versions keeps it."""
    return job.spec.run_id if any(job.folder.glob("wandb/*run-*")) else job.log_id


def fragments(job: Job) -> list[Path]:
    """The run's log files, oldest first: in the study's folder and, of older versions, in the run's own."""
    older = job.folder.glob("wandb/*run-*/*.wandb")
    name = log_id(job)
    today = job.study.glob(f"wandb/*run-*-{name}*/run-{name}.wandb")  # the client names the folder after the run too
    return [*sorted(older, key=_start), *sorted(today, key=_start)]


def unsent(jobs: Sequence[Job]) -> list[Path]:
    """The folders of offline logs that `wandb sync` would send: all of the study, and older ones of these jobs."""
    study = sorted(jobs[0].study.glob("wandb/*run-*/*.wandb"), key=_start)
    older = [file for job in jobs for file in job.folder.glob("wandb/*run-*/*.wandb")]
    return [file.parent for file in (*study, *older) if not _is_online(file) and not _mark(file).exists()]


def mark_superseded(job: Job) -> None:
    """Have `wandb sync` skip the logs that a run's newest one, which repeats their rows, has made superfluous.

    An online log that ended whole is on the server already. The mark is the one that `wandb sync` itself leaves.
    """
    *older, newest = fragments(job)
    for file in [*older, newest] if _is_online(newest) else [file for file in older if not _is_online(file)]:
        _mark(file).touch()


def acknowledged(file: Path) -> int | None:
    """How many rows of an online log the server has confirmed, by the client's own record; None if it has none."""
    record = file.parent / "logs" / "debug-internal.log"
    confirmed, under_way, found = 0, 0, False
    for line in record.read_text(errors="replace").splitlines() if record.exists() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        match entry.get("msg"):
            case "filestream: sending request":
                found, under_way = True, entry.get("history_lines", 0)
            case "filestream: request sent":
                confirmed, under_way = confirmed + under_way, 0
    return confirmed if found else None


def _is_online(file: Path) -> bool:
    return file.parent.name.startswith("run-")


def _mark(file: Path) -> Path:
    return file.with_name(f"{file.name}.synced")


def _start(file: Path) -> tuple[str, str]:
    """By the time in the folder's name (offline-run-DATE_TIME-ID), then by the number of a name used twice."""
    _, _, rest = file.parent.name.partition("run-")
    return rest[:15], rest[15:]
