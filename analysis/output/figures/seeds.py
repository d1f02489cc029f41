"""One dot per seed: test errors of the last epoch, joined by seed, with medians and the paper's numbers."""

from __future__ import annotations

from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.output.figures.style import DIAMOND, SMALL_PT, WIDTH_IN, legend_below, style
from analysis.published.cells import title as paper_title
from analysis.study import Study
from analysis.study.paper import PaperCells


def seed_dots(study: Study, *, columns: Literal[1, 2] = 1, title: str | None = None) -> Figure:
    """One dot per seed, grey lines between equal seeds, a bar at the median, a diamond for the paper's number.

    The median ranks failed runs last, as in the table; a failed run has no dot, interrupts its line and is counted
    in the row's label.
    """
    cells = study.paper
    errors_or_gaps = study.counted.assign(
        error=pd.to_numeric(study.counted.get(study.metric.column)).where(~study.counted["failed"])
    )
    rows = {name: row for row, name in enumerate(study.declared.variants)}
    labels = []
    with style():
        height = 0.5 + 0.3 * len(rows)
        figure = Figure(figsize=(WIDTH_IN[columns], height), layout="constrained")
        axes = figure.add_subplot()
        for _, seed in errors_or_gaps.groupby("seed"):
            order = seed.assign(row=seed["variant"].map(rows)).sort_values("row")
            axes.plot(order["error"], order["row"], color="0.8", linewidth=0.6, zorder=1, label="_pair")
        for name, row in rows.items():
            colour, errors = study.looks[name].colour, list(study.errors[name].values())
            axes.plot(errors, [row] * len(errors), "o", color=colour, markersize=3, zorder=2, label=f"_{name}")
            axes.plot(
                [study.median(name)], [row], "|", color=colour, markersize=11, markeredgewidth=1.4, label="_median"
            )  # fmt: skip
            labels.append(f"{study.declared.labels[name]}\n({study.count_text(name)})")
            if name in cells.by_variant.index:
                _paper_mark(axes, cells.by_variant.loc[name], row)
        axes.set_yticks(list(rows.values()), labels)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(study.metric.heading + ", last epoch")
        if title is not None:
            axes.set_title(title)
        legend_below(figure, _handles(cells))
    return figure


def _handles(cells: PaperCells) -> list[Line2D]:
    handles = [
        Line2D([], [], color="0.3", marker="o", markersize=3, linestyle="none", label="one seed"),
        Line2D([], [], color="0.3", marker="|", markersize=9, linestyle="none", label="median"),
    ]
    if len(cells.by_variant):
        setting = [paper_title(name) for name in (cells.net, cells.dataset) if name]
        handles.append(Line2D([], [], label=f"paper: {', '.join(setting)}", **DIAMOND))
    return handles


def _paper_mark(axes: Axes, cell: pd.Series, row: int) -> None:
    """An open diamond at the published error; the paper's `fail` is written beyond the right edge."""
    if cell["failed"]:
        axes.annotate(
            "paper:\nfail", (1, row), xycoords=("axes fraction", "data"), xytext=(3, 0), textcoords="offset points",
            va="center", fontsize=SMALL_PT,
        )  # fmt: skip
    else:
        axes.plot([cell["value"]], [row], zorder=3, label="_paper", **DIAMOND)
