"""One planned run with its folder, its lock, its W&B log: started, resumed, or skipped because it is finished."""

from __future__ import annotations

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
from experiments.execution.tracking import Tracker
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
    return job.wandb == "disabled" or (state.get("logged", False) and any(job.folder.glob("wandb/*run-*/*.wandb")))


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
            summary = {**rows[-1], "time/train_s": sum(row["time/epoch_s"] for row in rows)}
            logged = tracker.finish(outcome, summary) and job.wandb != "disabled"
        state = checkpoint.load(job.folder, job.spec.run_id)
        checkpoint.save(job.folder, {**state, "logged": logged})
        return outcome


def tracker_of(job: Job, env: dict[str, Any]) -> Tracker:
    spec = job.spec
    config = {**nested(spec), "variant": job.variant, "profile": job.profile, "env": env, **job.context}
    return Tracker(
        job.folder, job.wandb, project=job.ablation, group=job.variant, job_type=job.profile, name=job.name,
        run_id=spec.run_id, tags=(spec.data.name.partition(":")[0], spec.net.name), config=config,
    )  # fmt: skip


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
