"""One planned run with its folder, its lock, its W&B log: started, resumed, or skipped because it is finished."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal
from weakref import WeakValueDictionary

import torch

from experiments import machine, torchrun, user_file
from experiments.data import contents
from experiments.data.load import Dataset, load_for
from experiments.datasets import DataError
from experiments.execution import environment, state
from experiments.execution.device_memory import check_images_fit
from experiments.execution.lock import hold
from experiments.execution.log_check import log_is_whole
from experiments.execution.measured import add_metrics
from experiments.execution.run_summary import summary_of
from experiments.execution.tracking import Closed, Files, Tracker
from experiments.execution.wandb_environment import TrackingError
from experiments.execution.wandb_files import fragments, mark_superseded
from experiments.execution.wandb_page import page
from experiments.planning.job import Job
from experiments.spec import RunSpec, SpecError, nested
from experiments.training import checkpoint, group
from experiments.training.files import remove_leftovers
from experiments.training.session import Control, Row, StoppedError
from experiments.training.train import train

Result = Literal["finished", "diverged", "skipped", "busy"]
NOT_DETERMINISTIC = "does not have a deterministic implementation"  # PyTorch's words
UNSUPERVISED = Control()


def is_finished(job: Job, tell: Callable[[str], None] = lambda line: None) -> bool:
    """Whether the run has come to its end and its log, read back, says so; without W&B the checkpoint decides."""
    return _finished(job, tell) is not None


def _finished(job: Job, tell: Callable[[str], None]) -> dict[str, Any] | None:
    """The checkpoint of a finished run."""
    saved = checkpoint.load(job.folder, job.spec.run_id, tell)
    if saved is None or not saved["outcome"]:
        return None
    return saved if job.wandb == "disabled" or log_is_whole(fragments(job), saved["rows"]) else None


def complete_run(job: Job, progress: Callable[[Row], None], control: Control = UNSUPERVISED) -> Result:
    """Bring one run to its end: a finished one is skipped, a broken one resumed, one trained elsewhere left alone.

    Raises DataError, CheckpointError, TrackingError, SpecError or OSError, each with one clear line, and StoppedError
    when `control` stops it.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    with hold(job.folder) as lock:
        if lock is None:
            return "busy"
        remove_leftovers(job.folder)
        if job.file is not None:
            user_file.import_file(job.file)
            user_file.check_unchanged(job.folder, job.file)
        digest = contents.check_unchanged(job.folder, job.spec.data)
        if saved := _finished(job, control.tell):
            add_metrics(job, tracker_of)
            if state.read(job.folder).outcome is None:  # of an older version, or killed just before it was written
                state.end(job.folder, saved["rows"], saved["outcome"])
            return "skipped"
        stop = control.stop
        held = replace(control, stop=lambda: stop() or lock.compromise is not None)
        try:
            return _train(job, digest, progress, held)
        except StoppedError:
            if lock.compromise is None:
                raise
            control.tell("another process has taken this run over, because this one gave no sign of life for a minute")
            return "busy"


def _train(job: Job, digest: str | None, progress: Callable[[Row], None], control: Control) -> Result:
    state.begin(job.folder)
    group.begin(job)
    data = load_data(job, digest)
    check_labels(data, control.tell)
    env = environment.describe(job.spec.device) | ({} if digest is None else {"data": digest})
    env |= {} if job.file is None else {"file": asdict(job.file)}
    _write_json(job.folder / "spec.json", nested(job.spec))
    if (changes := environment.record(job.folder, env)) and (job.folder / checkpoint.NAME).exists():
        control.tell(f"resumed in another environment: {', '.join(changes)}; its last bits may differ")
    rows: list[Row] = []
    with tracker_of(job, env) as tracker:

        def log(row: Row) -> None:
            rows.append(row)
            tracker.log(row)
            state.log(job.folder, rows)
            progress(row)

        try:
            with group.together(StoppedError):
                outcome = train(job.spec, data, job.folder, log, job.signals, job.metrics, control)
        except RuntimeError as error:
            if NOT_DETERMINISTIC not in str(error):
                raise
            raise SpecError(
                f"{str(error).split(NOT_DETERMINISTIC)[0].strip()} {NOT_DETERMINISTIC} on {job.spec.device}; "
                "deterministic=False in the spec allows it, and two runs may then differ"
            ) from None
        closed = tracker.finish(outcome, summary_of(job, rows))
    if closed != "whole":
        closed = log_rest(job, env, tracker, outcome, rows)
    if job.wandb != "disabled":
        if not log_is_whole(fragments(job), rows):
            raise TrackingError(
                f"W&B's log in {job.study / 'wandb'} is not whole, but the checkpoint is: see that the disk has room "
                "and run the same command again to write the log from it"
            )
        if closed == "whole":
            mark_superseded(job)
    state.end(job.folder, rows, outcome)
    return outcome


_in_use: WeakValueDictionary[tuple[Any, ...], Dataset] = WeakValueDictionary()


def load_data(job: Job, digest: str | None = None) -> Dataset:
    """The run's data on its device; this process computes with the run's number of threads from now on.

    All runs of this process that train on the same data at the same time share one copy. digest: of the user's images.
    """
    torch.set_num_threads(job.spec.threads)
    loading = job.loading.settled(job.spec.device, job.spec.threads, machine.cores(), torchrun.local_count())
    key = (job.spec.data, job.data_dir, loading, job.spec.device, digest)
    if (data := _in_use.get(key)) is None:
        check_images_fit(job.spec, loading)
        data = _on_device(load_for(job.spec.data, job.data_dir, loading, job.spec.device), job.spec)
        if job.spec.device == "cuda":
            torch.cuda.synchronize()  # the runs read it on streams of their own
        _in_use[key] = data
    return data


def tracker_of(job: Job, env: dict[str, Any]) -> Tracker:
    artifact = Files("checkpoint", (job.folder / checkpoint.NAME,)) if job.destination.artifacts else None
    return Tracker(job.study, job.wandb, page(job, env), artifact=artifact)


def log_rest(job: Job, env: dict[str, Any], tracker: Tracker, outcome: str, rows: list[Row]) -> Closed:
    """Log what the tracker's log lacks in an offline log of its own: for `wandb sync`, what the server lacks."""
    known = 0 if tracker.lost else tracker.acknowledged
    with tracker_of(replace(job, wandb="offline"), env) as rest:
        for row in rows[known:]:
            rest.log(row)
        return rest.finish(outcome, summary_of(job, rows))


def check_labels(data: Dataset, tell: Callable[[str], None]) -> None:
    """Raise DataError for a label that is no class of the data set; tell of classes that have no images."""
    for name, split in (("training", data.train), ("test", data.test)):
        low, high = int(split.labels.min()), int(split.labels.max())
        if low < 0 or high >= data.classes:
            wrong = low if low < 0 else high
            raise DataError(f"{data.name}: a {name} image has label {wrong}; labels are 0 to {data.classes - 1}")
        counts = torch.bincount(split.labels, minlength=data.classes)
        if missing := (counts == 0).nonzero().flatten().tolist():
            tell(f"{data.name} has no {name} image of class {', '.join(map(str, missing))}")


def _on_device(data: Dataset, spec: RunSpec) -> Dataset:
    device = torch.device(spec.device)
    return replace(data, train=data.train.to(device), test=data.test.to(device))


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
