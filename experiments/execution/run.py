"""One planned run with its folder, its lock, its W&B log: started, resumed, or skipped because it is finished."""

from __future__ import annotations

import dataclasses
import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch

from experiments.data import contents
from experiments.data.load import Dataset, Split, load_for
from experiments.execution import environment
from experiments.execution.measured import add_metrics
from experiments.execution.tracking import Closed, Tracker
from experiments.execution.wandb_files import fragments, mark_superseded
from experiments.execution.wandb_page import page
from experiments.planning.job import Job
from experiments.spec import RunSpec, nested
from experiments.training import checkpoint
from experiments.training.train import Row, train

Result = Literal["finished", "diverged", "skipped", "busy"]


def is_finished(job: Job) -> bool:
    """Whether the run has come to its end and its log is whole; a run without W&B is finished by its checkpoint."""
    state = checkpoint.load(job.folder, job.spec.run_id)
    if state is None or not state["outcome"]:
        return False
    return job.wandb == "disabled" or (state.get("logged", False) and bool(fragments(job)))


def complete_run(job: Job, progress: Callable[[Row], None]) -> Result:
    """Bring one run to its end: a finished one is skipped, a broken one resumed, one trained elsewhere left alone.

    Raises DataError, CheckpointError, TrackingError or OSError, each with one clear line.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    with _lock(job.folder) as mine:
        if not mine:
            return "busy"
        digest = contents.check_unchanged(job.folder, job.spec.data)
        if is_finished(job):
            add_metrics(job, tracker_of)
            return "skipped"
        torch.set_num_threads(job.spec.threads)
        data = _on_device(load_for(job.spec.data, job.data_dir), job.spec)
        env = environment.describe(job.spec.device) | ({} if digest is None else {"data": digest})
        _write_json(job.folder / "spec.json", nested(job.spec))
        _write_json(job.folder / "env.json", env)
        with tracker_of(job, env) as tracker:
            rows: list[Row] = []

            def log(row: Row) -> None:
                rows.append(row)
                tracker.log(row)
                progress(row)

            outcome = train(job.spec, data, job.folder, log, job.signals, job.metrics)
            closed = tracker.finish(outcome, summary_of(rows))
        if closed != "whole":
            closed = log_rest(job, env, tracker, outcome, rows)
        logged = closed == "whole" and job.wandb != "disabled"
        if logged:
            mark_superseded(job)
        state = checkpoint.load(job.folder, job.spec.run_id) or {}
        checkpoint.save(job.folder, {**state, "logged": logged})
        return outcome


def tracker_of(job: Job, env: dict[str, Any]) -> Tracker:
    upload = job.folder / checkpoint.NAME if job.destination.artifacts else None
    return Tracker(job.study, job.wandb, page(job, env), upload=upload)


def log_rest(job: Job, env: dict[str, Any], tracker: Tracker, outcome: str, rows: list[Row]) -> Closed:
    """Log what the tracker's log lacks in an offline log of its own: for `wandb sync`, what the server lacks."""
    known = 0 if tracker.lost else tracker.acknowledged
    with tracker_of(dataclasses.replace(job, wandb="offline"), env) as rest:
        for row in rows[known:]:
            rest.log(row)
        return rest.finish(outcome, summary_of(rows))


def summary_of(rows: list[Row]) -> Row:
    return {**rows[-1], "time/train_s": sum(row["time/epoch_s"] for row in rows)}


def _on_device(data: Dataset, spec: RunSpec) -> Dataset:
    device = torch.device(spec.device)
    splits = [Split(split.images.to(device), split.labels.to(device)) for split in (data.train, data.test)]
    return Dataset(data.name, *splits, data.classes)


@contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """Whether this process alone holds the folder; the system lets go when the process ends, however it ends."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
