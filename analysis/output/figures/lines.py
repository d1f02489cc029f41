"""Learning curves in one axes: medians with the spread of the seeds, diverged runs, and the axis that holds them."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.output.figures.style import LABELS, log_ticks

INF = float("inf")
THIN, BOLD = 0.7, 1.4
MARKS = 6  # markers on a line, so that lines can be told apart in grey print
DECADE = 10.0
WIDE = 5.0  # a ratio of last errors from which on only a logarithmic axis shows them all


def median_line(
    axes: Axes, mine: pd.DataFrame, metric: str, *, band: bool = False, marker: str | None = None,
    phase: float = 0.0, **line: Any,
) -> None:  # fmt: skip
    """Median over the finished seeds at each x; band: their minimum to maximum.

    phase: from 0 to 1: where the first marker is placed, so that the markers of several lines do not coincide.
    """
    by_x = mine[mine["outcome"] == "finished"].groupby("x")[metric]
    median = by_x.median()
    if band and len(median):
        axes.fill_between(median.index, by_x.min(), by_x.max(), color=line["color"], alpha=0.18, linewidth=0)
    if marker is not None:
        every = max(1, len(median) // MARKS)
        first = min(int(phase * every), len(median) - 1)
        line |= {
            "marker": marker,
            "markevery": (max(0, first), every),
            "markeredgecolor": "white",
            "markeredgewidth": 0.4,
        }
    elif len(median) == 1:
        hollow = {"markerfacecolor": "none"} if line.get("linestyle") == "--" else {}
        line |= {"marker": "o", "markersize": 3} | hollow  # a line of one point would not be seen
    axes.plot(median.index, median, **line)


def diverged_lines(axes: Axes, mine: pd.DataFrame, metric: str, colour: str) -> None:
    """A thin line up to the last finite value, which an x marks."""
    for _, run in mine[mine["outcome"] == "diverged"].groupby("run_id"):
        finite = run[run[metric].abs() < INF]
        axes.plot(finite["x"], finite[metric], color=colour, linewidth=THIN)
        last = finite.tail(1)
        axes.plot(last["x"], last[metric], color=colour, marker="x", markersize=5, linestyle="none", zorder=4)


def scale(axes: Axes, points: pd.DataFrame, metrics: list[str], log_y: bool) -> None:
    """Logarithmic; or from 0 to four times the largest last value, so that the first epochs do not flatten the rest.

    The cross of a diverged run is inside as well. A logarithmic axis ends a decade below the first metric's least last
    value: training errors close to 0 would take most of it.
    """
    finite = points[["outcome", "run_id", "x", *metrics]].replace([INF, -INF], float("nan")).sort_values("x")
    last = finite.groupby(["outcome", "run_id"])[metrics].last()
    if log_y:
        axes.set_yscale("log")
        positive = last.where(last > 0)
        if positive[metrics[0]].notna().any():
            low = max(positive.min().min() / 1.2, positive[metrics[0]].min() / DECADE)
            axes.set_ylim(low, finite[metrics].max().max() * 1.2)
            log_ticks(axes.yaxis)
        return
    by_outcome = last.max(axis=1).groupby("outcome").max()
    top = max(4 * by_outcome.get("finished", 0.0), by_outcome.get("diverged", 0.0))
    if top > 0:
        axes.set_ylim(0, min(top, finite[metrics].max().max()) * 1.05)


def wide(points: pd.DataFrame, metric: str) -> bool:
    """Whether the last values are so far apart that a linear axis would flatten the lower ones."""
    last = points[points[metric].abs() < INF].sort_values("epoch").groupby("run_id")[metric].last()
    return bool(len(last)) and last.min() > 0 and last.max() / last.min() > WIDE


def kind_handles(y: str, training: str | None) -> list[Line2D]:
    """Legend entries for the bold solid and the thin dashed lines."""
    kinds: list[tuple[str, Any, float]] = [(y, "-", BOLD)]
    kinds += [] if training is None else [(training, "--", THIN)]
    return [
        Line2D([], [], color="0.4", linestyle=line, linewidth=width, label=LABELS.get(name, name).removesuffix(" (%)"))
        for name, line, width in kinds
    ]
