"""Figures of an ablation, at the size they print: learning curves and one dot a seed.

Built on matplotlib's Figure without pyplot, so nothing is global and no display is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import comparable
from analysis.comparable import ERROR, Declaration
from analysis.figure_style import HEIGHT_IN, LABELS, LEGEND_ROW_IN, WIDTH_IN, colours, save, style
from analysis.protocol import paper_cells
from analysis.published import title as paper_title
from analysis.statistics import summarise

__all__ = ["save", "seed_dots", "training_curves"]

DIAMOND: Mapping[str, Any] = {
    "color": "0.3",
    "marker": "D",
    "markersize": 4.5,
    "markerfacecolor": "none",
    "markeredgewidth": 0.8,
    "linestyle": "none",
}


def training_curves(
    runs: pd.DataFrame,
    history: pd.DataFrame,
    *,
    y: str = "test/error",
    training: Literal["train/error", "train/loss"] | None = "train/error",
    x: Literal["epochs", "iterations"] = "epochs",
    log_y: bool = False,
    columns: Literal[1, 2] = 1,
    title: str | None = None,
) -> Figure:
    """Learning curves as in He et al. 2016, Figures 1 and 6: `y` solid and bold, `training` dashed.

    Line: median over the seeds that did not diverge, epoch by epoch; band: their minimum to maximum. A diverged run
    is a thin line of its own up to its last finite epoch, which an x marks. The training error shares the axis of
    the test error; the training loss has a logarithmic axis on the left, and `y` then stands on the right, as in
    the paper. x="iterations": in units of 1e4 from 1e4 on. columns: of print, 3.3 or 6.9 inches wide. A linear axis
    shows every last epoch and may cut the first ones off; a logarithmic one has no place for an error of 0.
    """
    declared = comparable.declaration(runs)
    counted = comparable.compared(runs)
    colour = colours(declared.variants)
    points = history[history["run_id"].isin(counted["run_id"])].merge(
        counted[["run_id", "outcome"]], on="run_id", how="left"
    )
    points["x"], x_label = _position(points["epoch"], counted, x)
    with style():
        height = HEIGHT_IN + LEGEND_ROW_IN * (len(declared.variants) + 2) / columns
        figure = Figure(figsize=(WIDTH_IN[columns], height), layout="constrained")
        axes = figure.add_subplot()
        dashed = axes.twinx() if training == "train/loss" else axes
        if dashed is not axes:
            _swap_sides(axes, dashed)
        for name in (name for name in declared.variants if name in set(counted["variant"])):
            mine = points[points["variant"] == name]
            if training is not None:
                _median_line(dashed, mine, training, color=colour[name], linestyle="--", linewidth=0.7)
            _median_line(axes, mine, y, color=colour[name], linestyle="-", band=True)
            _diverged_lines(axes, mine, y, colour[name])
        _scale(axes, points, [y, training] if dashed is axes and training else [y], log_y)
        axes.set_xlabel(x_label)
        axes.xaxis.get_major_locator().set_params(integer=x_label != "iterations (1e4)")
        axes.set_ylabel(LABELS.get(y, y) if dashed is not axes or training is None else "error (%)")
        if title is not None:
            axes.set_title(title)
        _legend(figure, declared, counted, colour, _kinds(y, training), columns)
    return figure


def _position(epoch: pd.Series, counted: pd.DataFrame, unit: str) -> tuple[pd.Series, str]:
    """Epochs, counted from 1, or the iterations they took, and the axis label; long runs in units of 1e4."""
    if unit == "epochs":
        return epoch, "epoch"
    finished = counted[counted["outcome"] == "finished"]
    if "config.recipe.iterations" not in counted or finished.empty:
        raise ValueError("iterations need a finished run whose config has recipe.iterations; use x='epochs'")
    iterations = float(finished["config.recipe.iterations"].iloc[0])
    position = epoch / finished["epochs"].max() * iterations
    return (position / 1e4, "iterations (1e4)") if iterations >= 1e4 else (position, "iterations")


def _swap_sides(axes: Axes, loss: Axes) -> None:
    """The loss to the left on a logarithmic axis, the error to the right."""
    axes.spines["right"].set_visible(True)
    axes.yaxis.set_label_position("right")
    axes.yaxis.tick_right()
    loss.yaxis.set_label_position("left")
    loss.yaxis.tick_left()
    loss.set_yscale("log")
    loss.set_ylabel("training loss (dashed)")


def _median_line(axes: Axes, mine: pd.DataFrame, metric: str, *, band: bool = False, **line: Any) -> None:
    by_x = mine[mine["outcome"] == "finished"].groupby("x")[metric]
    median = by_x.median()
    if band and len(median):
        axes.fill_between(median.index, by_x.min(), by_x.max(), color=line["color"], alpha=0.18, linewidth=0)
    axes.plot(median.index, median, **line)


def _diverged_lines(axes: Axes, mine: pd.DataFrame, metric: str, colour: str) -> None:
    for _, run in mine[mine["outcome"] == "diverged"].groupby("run_id"):
        finite = run[run[metric].map(lambda value: abs(value) < float("inf"))]
        axes.plot(finite["x"], finite[metric], color=colour, linewidth=0.7)
        axes.plot(finite["x"].tail(1), finite[metric].tail(1), color=colour, marker="x", linestyle="none")


def _scale(axes: Axes, points: pd.DataFrame, metrics: list[str], log_y: bool) -> None:
    """Logarithmic; or from 0 to four times the largest last value, so that the first epochs do not flatten the rest.

    The cross of a diverged run is inside as well.
    """
    if log_y:
        axes.set_yscale("log")
        return
    inf = float("inf")
    finite = points[["outcome", "run_id", "x", *metrics]].replace([inf, -inf], float("nan")).sort_values("x")
    last = finite.groupby(["outcome", "run_id"])[metrics].last().max(axis=1).groupby("outcome").max()
    top = max(4 * last.get("finished", 0.0), last.get("diverged", 0.0))
    if top > 0:
        axes.set_ylim(0, min(top, finite[metrics].max().max()) * 1.05)


def _kinds(y: str, training: str | None) -> list[tuple[str, str]]:
    kinds = [(LABELS.get(y, y).removesuffix(" (%)"), "-")]
    return kinds if training is None else [*kinds, (LABELS[training].removesuffix(" (%)"), "--")]


def _legend(
    figure: Figure,
    declared: Declaration,
    counted: pd.DataFrame,
    colour: Mapping[str, str],
    kinds: list[tuple[str, str]],
    columns: int,
) -> None:
    handles = [
        Line2D([], [], color=colour[name], label=f"{declared.labels[name]} ({_count(counted, name)})")
        for name in declared.variants
    ]
    handles += [
        Line2D([], [], color="0.4", linestyle=line, linewidth=0.7 if line == "--" else 1.4, label=label)
        for label, line in kinds
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, handlelength=1.8)


def _count(counted: pd.DataFrame, name: str) -> str:
    outcomes = counted.loc[counted["variant"] == name, "outcome"]
    diverged = int((outcomes == "diverged").sum())
    return f"{diverged} of {len(outcomes)} diverged" if diverged else f"n = {len(outcomes)}"


def seed_dots(runs: pd.DataFrame, *, columns: Literal[1, 2] = 1, title: str | None = None) -> Figure:
    """Each seed's last test error a dot, grey lines between equal seeds, a bar at the median, the paper a diamond.

    The median ranks failed runs last, as in the table; a failed run has no dot and is counted in the row's label.
    """
    declared = comparable.declaration(runs)
    cells = paper_cells(runs, declared)
    counted = comparable.compared(runs)
    counted = counted.assign(failed=comparable.failed(counted, declared.failure_error))
    kept = counted[~counted["failed"]]
    colour = colours(declared.variants)
    rows = {name: row for row, name in enumerate(declared.variants)}
    labels = []
    with style():
        height = 0.9 + 0.3 * len(rows)
        figure = Figure(figsize=(WIDTH_IN[columns], height), layout="constrained")
        axes = figure.add_subplot()
        for _, seed in kept.groupby("seed"):
            order = seed.assign(row=seed["variant"].map(rows)).sort_values("row")
            axes.plot(order[ERROR], order["row"], color="0.8", linewidth=0.6, zorder=1, label="_pair")
        for name, row in rows.items():
            errors = kept.loc[kept["variant"] == name, ERROR].astype(float)
            failures = int(counted.loc[counted["variant"] == name, "failed"].sum())
            axes.plot(errors, [row] * len(errors), "o", color=colour[name], markersize=3, zorder=2, label=f"_{name}")
            median = summarise(list(errors), failures).median
            axes.plot([median], [row], "|", color=colour[name], markersize=11, markeredgewidth=1.4, label="_median")
            counts = f"n = {len(errors)}" + (f", {failures} failed" if failures else "")
            labels.append(f"{declared.labels[name]}\n({counts})")
            if name in cells.by_variant.index:
                _paper_mark(axes, cells.by_variant.loc[name], row)
        axes.set_yticks(list(rows.values()), labels)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(LABELS["test/error"] + ", last epoch")
        if title is not None:
            axes.set_title(title)
        handles = [
            Line2D([], [], color="0.3", marker="o", markersize=3, linestyle="none", label="one seed"),
            Line2D([], [], color="0.3", marker="|", markersize=9, linestyle="none", label="median"),
        ]
        if cells.net is not None:
            beside = f"paper: {paper_title(cells.net)}, {paper_title(cells.dataset or '')}"
            handles.append(Line2D([], [], label=beside, **DIAMOND))
        figure.legend(handles=handles, loc="outside lower center", ncols=3, handletextpad=0.2, columnspacing=1)
    return figure


def _paper_mark(axes: Axes, cell: pd.Series, row: int) -> None:
    """An open diamond at the published error; the paper's `fail` is that word at the right edge."""
    if cell["failed"]:
        axes.annotate("paper: fail", (1, row), xycoords=("axes fraction", "data"), ha="right", va="center", fontsize=7)
    else:
        axes.plot([cell["value"]], [row], zorder=3, label="_paper", **DIAMOND)
