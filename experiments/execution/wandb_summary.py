"""A study's own run in W&B, of job type `report`, with its table and figures; it is not a run of a variant."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.schema import DECLARATION, REPORT
from experiments.execution.tracking import Files, Tracker
from experiments.execution.wandb_environment import first_line
from experiments.execution.wandb_page import Page, notes
from experiments.planning.job import Job


def summarise(jobs: Sequence[Job], written: Sequence[Path]) -> None:
    """Log the table and the figures that an analysis has written; a table that was logged before is not logged again.

    written: table.csv, figures as PNG and the other files of the report, which are stored too if artifacts are wanted.
    """
    import wandb

    job = jobs[0]
    table = next(path for path in written if path.name == "table.csv")
    unique = hashlib.blake2b(job.ablation.encode() + table.read_bytes(), digest_size=4).hexdigest()
    run_id = f"{REPORT}-{job.profile}-{unique}"
    if any(job.study.glob(f"wandb/*run-*/run-{run_id}.wandb")):
        return
    extra, declared = job.destination, job.context.get("ablation", {})
    page = Page(
        project=extra.project or job.ablation,
        group=REPORT,
        job_type=REPORT,
        name=f"{job.ablation} {job.profile} report",
        id=run_id,
        tags=extra.tags,
        config={"profile": job.profile, DECLARATION: declared},
        notes="\n\n".join(filter(None, (extra.notes, notes(declared)))),
        entity=extra.entity,
    )
    artifact = Files(REPORT, tuple(written)) if extra.artifacts else None
    for mode in dict.fromkeys((job.wandb, "offline")):  # once more, offline, where a server has not taken it
        with Tracker(job.study, mode, page, artifact=artifact) as tracker:
            try:
                tracker.log(_shown(table, [path for path in written if path.suffix == ".png"]))
            except (wandb.errors.Error, ValueError) as error:  # tables need more of a server than runs do
                tracker.say(f"{first_line(error)}; the table is logged offline")
                continue
            if tracker.finish("finished", {}) == "whole":
                return


def _shown(table: Path, figures: Sequence[Path]) -> dict[str, Any]:
    import wandb

    frame = pd.read_csv(table)
    rows = frame.astype(object).where(frame.notna(), None)
    shown: dict[str, Any] = {"table": wandb.Table(columns=list(rows), data=rows.to_numpy().tolist())}
    return shown | {f"figures/{path.stem}": wandb.Image(str(path)) for path in figures}
