"""How soon training reaches a given error."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.output.figures.levels import level_text
from analysis.output.figures.lines import diverged_lines, median_line
from analysis.output.figures.style import HEIGHT_IN, LABELS, WIDTH_IN, legend_below, style, whole_ticks
from analysis.stats import survival
from analysis.study import Study
from analysis.study.looks import Look, looks

TUNED = "recipe.learning_rate"  # the paper chose it for each net on its own
METRIC = "train/error"


def error_to_target(study: Study) -> Figure | None:
    """Training error against epochs and where it falls below the target, as in Krizhevsky et al. 2012, Figure 1.

    Line: median over the seeds, band: least to greatest, dashed grey: the ablation's target (there 25 %). A mark at
    the target stands at the median epoch in which the runs reach it, a small open one for each seed. Where the
    learning rate is a factor too, each net is shown at the rate that gets there first (ties and nets that never get
    there: at the rate of least last training error), as the paper tuned it for each; its other rates are thin.
    A diverged run is a thin line that ends in an x.
    None where the logs declare no target or hold no training error.
    """
    if study.declared.target_train_error is None or METRIC not in study.history:
        return None
    points = study.points(METRIC)
    if points.empty:
        return None
    target = study.declared.target_train_error
    epochs = study.epochs_to_target
    reached = {name: survival.median(times) for name, times in epochs.items()}
    best = _best(study, points, reached)
    look_of = _looks(study, best)
    with style():
        figure = Figure(figsize=(WIDTH_IN[1], HEIGHT_IN), layout="constrained")
        axes = figure.add_subplot()
        axes.axhline(target, color="0.5", linestyle="--", linewidth=0.7, label="_target")
        handles = []
        for net, name in best.items():
            look = look_of[net]
            for other in (other for other in study.variants if _net(study, other) == net and other != name):
                slower = points[points["variant"] == other]
                median_line(axes, slower, METRIC, color=look.colour, linewidth=0.5, alpha=0.5)
            mine = points[points["variant"] == name]
            median_line(axes, mine, METRIC, band=True, color=look.colour, linestyle="-")
            diverged_lines(axes, mine, METRIC, look.colour)
            _mark(axes, target, list(epochs[name].values()), reached[name], look)
            label = f"{_text(study, name)}: {_when(reached[name], target)}"
            handles.append(Line2D([], [], color=look.colour, marker=look.marker, label=label))
        axes.set_ylim(0, min(100, points[METRIC].max() * 1.05))
        axes.set_xlabel("epoch")
        axes.set_ylabel(LABELS[METRIC])
        whole_ticks(axes.xaxis)
        legend_below(figure, handles)
    return figure


def _mark(axes: Axes, target: float, epochs: Sequence[float], median: float, look: Look) -> None:
    """Marks where each seed, and the median, reaches the target; runs that never do have no mark."""
    line: dict[str, Any] = {"color": look.colour, "marker": look.marker, "linestyle": "none"}
    reached = [epoch for epoch in epochs if math.isfinite(epoch)]
    axes.plot(reached, [target] * len(reached), markersize=3, markerfacecolor="none", label="_seeds", **line)
    if math.isfinite(median):
        axes.vlines(median, 0, target, color=look.colour, linestyle=":", linewidth=0.8)
        axes.plot([median], [target], markersize=5, zorder=4, label="_median", **line)


def _net(study: Study, name: str) -> str:
    """The variant without its tuned learning rate."""
    others = {factor: value for factor, value in study.levels(name).items() if factor != TUNED}
    return repr(sorted(others.items())) if others else name


def _best(study: Study, points: pd.DataFrame, reached: Mapping[str, float]) -> dict[str, str]:
    """Net -> the variant of it that reaches the target first."""
    finished = points[points["outcome"] == "finished"].sort_values("epoch")
    last = finished.groupby(["variant", "run_id"])[METRIC].last().groupby("variant").median()
    best: dict[str, str] = {}
    for name in sorted(study.variants, key=lambda name: (reached.get(name, math.inf), last.get(name, math.inf))):
        best.setdefault(_net(study, name), name)
    return {net: best[net] for net in dict.fromkeys(_net(study, name) for name in study.variants)}


def _looks(study: Study, best: Mapping[str, str]) -> dict[str, Look]:
    baseline = _net(study, study.declared.baseline)
    return looks(list(best), baseline if baseline in best else None)


def _text(study: Study, name: str) -> str:
    levels = study.levels(name)
    if TUNED not in levels:
        return study.declared.labels[name]
    others = [level_text(factor, value, alone=True) for factor, value in levels.items() if factor != TUNED]
    return ", ".join([*others, level_text(TUNED, levels[TUNED], alone=True)])


def _when(epoch: float, target: float) -> str:
    if math.isinf(epoch):
        return f"does not reach {target:g} %"
    return f"{target:g} % in {epoch:g} epoch{'s' * (epoch != 1)}"
