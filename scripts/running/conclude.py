"""From the logs of a study to what its end prints and writes, or to one line that says why not."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.planning.job import Job


def conclude(console: Console, jobs: Sequence[Job], folder: Path, metric: str, margin: float | None) -> int:
    """Read the logs of `jobs`, print the table and its verdict, write tables and figures."""
    from analysis import logs, write
    from analysis.study import TableError
    from experiments.data.thumbnails import thumbnails
    from experiments.datasets import DataError
    from experiments.execution import wandb_files, wandb_summary

    if jobs[0].wandb == "disabled":
        console.print("W&B is disabled, so there is no log to make a table from; the checkpoints are kept.")
        return 0
    try:
        runs, history = logs.load(jobs[0].study, run_ids=[wandb_files.log_id(job) for job in jobs])
        look_up = partial(thumbnails, root=jobs[0].data_dir)
        written = write.conclude(console, runs, history, folder, metric, margin=margin, thumbnails=look_up)
        wandb_summary.summarise(jobs, written)
    except (logs.LogsError, TableError, DataError, OSError) as error:
        return refuse(error)
    console.print("Written:", *(f"  {path}" for path in written), sep="\n", highlight=False, soft_wrap=True)
    return 0


def list_cells(console: Console, name: str | None) -> int:
    """The published numbers that an ablation, or each, is compared with."""
    from analysis.published.cells import PublishedError
    from analysis.published.coverage import coverage_lines
    from experiments import ablations

    try:
        for ablation in map(ablations.load, [name] if name else ablations.names()):
            for line in coverage_lines(ablation.name, ablation.published, [v.name for v in ablation.variants]):
                console.print(line, highlight=False, markup=False, soft_wrap=True)
    except PublishedError as error:
        return refuse(error)
    return 0


def refuse(reason: object) -> int:
    print(f"run_ablation: {reason}", file=sys.stderr)
    return 2
