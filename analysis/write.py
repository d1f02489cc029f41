"""What an ablation says, from its logs: table and verdict on the terminal; report, tables and figures as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.results import variants as tables

if TYPE_CHECKING:
    from rich.console import Console


def conclude(console: Console, runs: pd.DataFrame, history: pd.DataFrame, folder: Path) -> list[Path]:
    """Print the table, what was compared, the verdict and everything amiss; return the written paths, report first.

    Raises TableError if the runs may not stand in one table, OSError where `folder` cannot be written.
    """
    from analysis.output import report

    table = tables.ablation_table(runs)
    for shown in (table, tables.effects_table(runs), tables.times_table(runs, history)):
        if len(shown):
            console.print(tables.to_rich(shown, console.width))
    console.print(tables.protocol_note(runs), highlight=False)
    for line in tables.verdict_lines(table, runs):
        console.print(f"- {line}", highlight=False, markup=False)
    for line in tables.problems(runs):
        console.print(f"! {line}", highlight=False, markup=False)
    written = tables.write(table, runs, folder, "table", history)
    drawn = draw(runs, history, folder)
    pictures = {name: next(path for path in paths if path.suffix == ".svg") for name, paths in drawn.items()}
    page = report.write(table, runs, history, pictures, folder)
    return [page, *written, *(path for paths in drawn.values() for path in paths)]


def draw(runs: pd.DataFrame, history: pd.DataFrame, folder: Path) -> dict[str, list[Path]]:
    """Figure name -> its PDF, SVG and PNG, of every figure that fits the ablation."""
    from analysis.output import figures

    drawn = figures.all_figures(runs, history)
    return {name: figures.save(figure, folder, name) for name, figure in drawn.items()}
