"""What an ablation says, from its logs: the table and its verdict on the terminal, tables and figures as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis import tables

if TYPE_CHECKING:
    from rich.console import Console


def conclude(console: Console, runs: pd.DataFrame, history: pd.DataFrame, folder: Path) -> list[Path]:
    """Print the table, what was compared, the verdict and everything amiss; return the paths of what was written.

    Raises TableError if the runs may not stand in one table, OSError where `folder` cannot be written.
    """
    table = tables.ablation_table(runs)
    console.print(tables.to_rich(table, console.width))
    console.print(tables.protocol_note(runs), highlight=False)
    for line in tables.verdict_lines(table, runs):
        console.print(f"- {line}", highlight=False, markup=False)
    for line in tables.problems(runs):
        console.print(f"! {line}", highlight=False, markup=False)
    return tables.write(table, runs, folder, "table") + draw(runs, history, folder)


def draw(runs: pd.DataFrame, history: pd.DataFrame, folder: Path) -> list[Path]:
    """The training curves and the seeds, each as PDF, SVG and PNG."""
    from analysis import figures

    paths = figures.save(figures.training_curves(runs, history), folder, "training_curves")
    return paths + figures.save(figures.seed_dots(runs), folder, "seeds")
