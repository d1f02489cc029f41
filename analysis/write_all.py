"""Every study that a source of logs holds: a report each, and one index of all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis import logs, write
from analysis.output import index, safe_text
from analysis.results.findings import Findings
from analysis.study import TableError
from analysis.study.values import printable

if TYPE_CHECKING:
    from rich.console import Console


def write_all(console: Console, source: str, folder: Path, profile: str | None = None) -> list[str]:
    """A report in `folder`/ABLATION/PROFILE for each study, then index.html and index.md in `folder`.

    Returns one line for each study that can have no table. Raises LogsError where there is no run.
    """
    refused = []
    for name, part, runs, history in studies(source, profile):
        try:
            findings = Findings.from_frames(runs, history)
            page, *_ = write.files(findings, folder / safe_text.folder(name) / safe_text.folder(part))
            console.print(printable(f"{name} {part}: {page}"), highlight=False, markup=False, soft_wrap=True)
        except TableError as error:
            refused.append(f"{name} {part}: {error}")
    for path in index.write(folder):
        console.print(str(path), highlight=False, markup=False, soft_wrap=True)
    return refused


def studies(source: str, profile: str | None = None) -> Iterator[tuple[str, str, pd.DataFrame, pd.DataFrame]]:
    """Ablation, profile, runs and history of every study, by name."""
    runs, history = logs.load(source, profile)
    shared = runs["run_id"].duplicated(keep=False)  # older logs give a run of two ablations one id
    for (name, part), mine in runs[runs["ablation"] != ""].groupby(["ablation", "profile"]):
        if shared[mine.index].any():
            yield name, part, *logs.load(source, part, ablation=name)
        else:
            theirs = [key for key in mine if key.startswith(("config.", "summary.")) and mine[key].isna().all()]
            rows = history[history["run_id"].isin(mine["run_id"])]
            yield name, part, mine.drop(columns=theirs).reset_index(drop=True), rows.reset_index(drop=True)
