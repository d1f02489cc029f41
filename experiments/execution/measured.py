"""Metrics that a finished run did not log, computed from its kept predictions and added to its log."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from experiments.execution.opened import open_run
from experiments.execution.run_summary import summary_of
from experiments.execution.tracking import Tracker
from experiments.planning.job import Job
from experiments.training import checkpoint, metrics


def add_metrics(job: Job, open_log: Callable[[Job, dict[str, Any]], Tracker]) -> list[str]:
    """The names of `job.metrics` that were added to the last epoch of a finished run; earlier epochs stay without.

    The log gets one more fragment, with the whole row and summary: readers take the newest row of an epoch. A run of an
    older version has kept no predictions, so its net is evaluated again. Raises DataError where its data set is gone.
    """
    state = checkpoint.load(job.folder, job.spec.run_id)
    lacking = [] if state is None else [name for name in job.metrics if f"test/{name}" not in state["rows"][-1]]
    if state is None or not lacking or job.wandb == "disabled":  # without a log there is nothing to add to
        return []
    run = open_run(job.folder)
    found = run.predictions(job.data_dir)
    row = {**run.rows[-1], **metrics.measure(lacking, found.logits, found.labels)}
    with open_log(job, json.loads((job.folder / "env.json").read_text())) as tracker:
        tracker.log(row)
        closed = tracker.finish(str(run.outcome), summary_of(job, [*run.rows[:-1], row], found))
    if closed == "whole":
        checkpoint.save(job.folder, {**state, "rows": [*run.rows[:-1], row]})
    return lacking
