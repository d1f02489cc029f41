"""Everything at the end of an ablation: table and verdict on the terminal; report, tables and figures as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.output.files import write_tables
from analysis.output.terminal import to_rich
from analysis.results.findings import Findings
from analysis.schema import ERROR, Thumbnail
from analysis.study import Study
from analysis.study.values import printable

if TYPE_CHECKING:
    from rich.console import Console


# Data set, places in its test set -> the images, by their places; of those that are not at hand, none.
LookUp = Callable[[str, Sequence[int]], Mapping[int, Thumbnail]]


def conclude(
    console: Console, runs: pd.DataFrame, history: pd.DataFrame, folder: Path, metric: str = ERROR.name,
    latex_columns: Sequence[str] = (), margin: float | None = None, thumbnails: LookUp | None = None,
) -> list[Path]:  # fmt: skip
    """Print tables, protocol, verdict and problems; return the written paths, report first.

    metric: the quantity that is compared. latex_columns: of table.tex, see `write_tables`. margin: see `Study`.
    thumbnails: gives pictures of test images; the report does without. Raises TableError if the runs cannot share one
    table, OSError where `folder` cannot be written.
    """
    findings = Findings.from_frames(runs, history, metric, margin)
    show(console, findings)
    return files(findings, folder, latex_columns, thumbnails)


def files(
    findings: Findings, folder: Path, latex_columns: Sequence[str] = (), thumbnails: LookUp | None = None
) -> list[Path]:
    """Write report, tables, figures and the study's line for an index; their paths, report first."""
    from analysis.output import images, report, summary

    written = write_tables(findings, folder, "table", latex_columns)
    drawn = draw(findings.study, folder)
    pictures = {name: next(path for path in paths if path.suffix == ".svg") for name, paths in drawn.items()}
    shown, dataset = images.shown(findings.disagreements), findings.study.setting("data.name")
    small = thumbnails(dataset, shown) if thumbnails and shown and isinstance(dataset, str) else {}
    page = report.write(findings, pictures, folder, small)
    return [page, *written, *(path for paths in drawn.values() for path in paths), summary.write(findings, folder)]


def show(console: Console, findings: Findings) -> None:
    """The tables, what was compared, the verdict and everything amiss, on the terminal."""
    for table in (findings.variants, findings.effects, findings.times):
        if len(table):
            console.print(to_rich(table, console.width))
    console.print(printable(findings.protocol.note), highlight=False, markup=False)
    for line in findings.verdict.texts():
        console.print(f"- {printable(line)}", highlight=False, markup=False)
    for line in findings.problems:
        console.print(f"! {printable(line)}", highlight=False, markup=False)


def draw(study: Study, folder: Path) -> dict[str, list[Path]]:
    """Figure name -> its PDF, SVG and PNG, of every figure that fits the ablation."""
    from analysis.output import figures

    drawn = figures.all_figures(study)
    return {name: figures.save(figure, folder, name) for name, figure in drawn.items()}
