"""A ladder: what each cumulative step changed against the step before it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.output.figures.style import DIAMOND, WIDTH_IN, legend_below, style
from analysis.stats.paired import paired_difference
from analysis.study import Study


def draw_ladder(study: Study, *, level: float = 0.95) -> Figure | None:
    """Left: last test error of each step (dots: seeds, bar: median). Right: step minus the step before it.

    Differences are paired by seed: a dot a pair, the mean with its interval at `level`
    (statistics.paired_difference). Diamonds: the paper's cells, and their differences. A failed run is in no pair and
    is counted in its row's label. None unless the logs declare a ladder of at least two steps that have runs.
    """
    if study.declared.kind != "ladder" or len(study.variants) < 2:
        return None
    paper = study.paper.by_variant
    papers = [float(paper.loc[name, "value"]) if name in paper.index else math.nan for name in study.declared.variants]
    with style():
        figure = Figure(figsize=(WIDTH_IN[2], 0.6 + 0.32 * len(study.declared.variants)), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        _errors(left, study, papers)
        _steps(right, study, papers, level)
        names = study.declared.variants
        left.set_yticks(range(len(names)), [f"{_label(study, name)}\n({study.count_text(name)})" for name in names])
        left.set_ylim(len(names) - 0.5, -0.5)
        handles = [
            Line2D([], [], color="0.3", marker="o", markersize=3, linestyle="none", label="one seed"),
            Line2D([], [], color="0.3", marker="|", markersize=9, linestyle="none", label="median"),
            Line2D([], [], color="0.3", marker="s", markersize=4, label=f"mean and {100 * level:g} % interval"),
        ]
        if any(math.isfinite(value) for value in papers):
            handles.append(Line2D([], [], label="paper", **DIAMOND))
        legend_below(figure, handles)
    return figure


def _label(study: Study, name: str) -> str:
    step = study.declared.steps.get(name)
    return f"+ {step}" if step and name != study.declared.variants[0] else study.declared.labels[name]


def _errors(axes: Axes, study: Study, papers: Sequence[float]) -> None:
    for row, name in enumerate(study.declared.variants):
        errors = list(study.errors[name].values())
        axes.plot(errors, [row] * len(errors), "o", color="0.3", markersize=3, label=f"_{name}")
        axes.plot([study.median(name)], [row], "|", color="0.3", markersize=11, markeredgewidth=1.4, label="_median")
        axes.plot([papers[row]], [row], label="_paper", **DIAMOND)
    axes.set_xlabel(study.metric.heading + ", last epoch")


def _steps(axes: Axes, study: Study, papers: Sequence[float], level: float) -> None:
    names = study.declared.variants
    axes.axvline(0, color="0.6", linewidth=0.6)
    for row, (before, name) in enumerate(pairwise(names), start=1):
        old, new = study.errors[before], study.errors[name]
        gaps = [new[seed] - old[seed] for seed in sorted(old.keys() & new.keys())]
        change = paired_difference(old, new, level)
        colour = study.looks[names[1]].colour
        axes.plot(gaps, [row + 0.22] * len(gaps), "o", color="0.6", markersize=2.5, label=f"_{name}")
        axes.plot([change.mean], [row], "s", color=colour, markersize=4, label="_mean")
        axes.plot([change.low, change.high], [row, row], color=colour, linewidth=1.2, label="_interval")
        axes.plot([papers[row] - papers[row - 1]], [row], label="_paper", **DIAMOND)
    unit = "percentage points" if study.metric.unit == "%" else study.metric.unit
    axes.set_xlabel(f"change ({unit})" if unit else "change")
