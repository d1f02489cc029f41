"""Error against the cost of a net."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.output.figures.style import HEIGHT_IN, WIDTH_IN, legend_below, log_ticks, style
from analysis.study import Study

COSTS: Mapping[str, str] = {"config.parameters": "parameters", "config.multiply_adds": "multiply-adds for one image"}
VARIES = 1.2  # greatest over least; less is not worth an axis
UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def error_against_cost(study: Study) -> Figure | None:
    """Last test error against parameters and against multiply-adds, both logarithmic (Huang et al. 2017, Figure 3).

    A filled mark at a variant's median (failed runs ranked last), a small open one for each seed; the dashed line is
    the baseline's median, so variants below and left of the baseline's mark are better at a lower cost. A variant
    whose median is a failure stands crossed out at the upper edge. None where no cost varies by a fifth.
    """
    costs = {column: cost for column in COSTS if (cost := _cost(study, column)) and _ratio(cost) >= VARIES}
    if not costs:
        return None
    columns = 2 if len(costs) == 2 or len(study.variants) > 6 else 1
    with style():
        figure = Figure(figsize=(WIDTH_IN[columns], HEIGHT_IN), layout="constrained")
        every = figure.subplots(1, len(costs), sharey=True, squeeze=False)[0]
        for axes, (column, cost) in zip(every, costs.items(), strict=True):
            _draw(axes, study, cost)
            axes.set_xlabel(COSTS[column])
        every[0].set_ylabel(study.metric.heading)
        handles = [
            Line2D(
                [],
                [],
                color=look.colour,
                marker=look.marker,
                linestyle="none",
                label=f"{label} ({study.count_text(name)})",
            )
            for name, look in study.looks.items()
            if name in study.variants and (label := study.declared.labels[name])
        ]
        handles.append(
            Line2D([], [], color="0.5", marker="o", markerfacecolor="none", linestyle="none", label="one seed")
        )
        handles.append(Line2D([], [], color="0.5", linestyle="--", linewidth=0.7, label="the baseline's median"))
        legend_below(figure, handles)
    return figure


def _cost(study: Study, column: str) -> dict[str, float]:
    """Variant -> cost, for variants that log one."""
    if column not in study.counted:
        return {}
    by_variant = pd.to_numeric(study.counted[column]).groupby(study.counted["variant"]).median().dropna()
    return {name: float(by_variant[name]) for name in study.variants if by_variant.get(name, 0) > 0}


def _ratio(cost: Mapping[str, float]) -> float:
    return max(cost.values()) / min(cost.values())


def _draw(axes: Axes, study: Study, cost: Mapping[str, float]) -> None:
    axes.set_xscale("log")
    axes.axhline(study.median(study.declared.baseline), color="0.5", linestyle="--", linewidth=0.7, label="_baseline")
    for name, x in cost.items():
        look, errors = study.looks[name], list(study.errors[name].values())
        line: dict[str, Any] = {"color": look.colour, "marker": look.marker, "linestyle": "none"}
        axes.plot(
            [x] * len(errors), errors, markersize=3.5, markerfacecolor="none", markeredgewidth=0.5,
            label=f"_seeds of {name}", **line,
        )  # fmt: skip
        median = study.median(name)
        axes.plot([x], [median], markersize=5, label=f"_{name}", **line)
        if math.isnan(median):
            edge: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "clip_on": False}
            axes.plot([x], [1], markersize=5, alpha=0.5, label="_failed", **line, **edge)
            axes.plot([x], [1], "x", color="black", markersize=7, markeredgewidth=0.8, label="_cross", **edge)
    log_ticks(axes.xaxis, text=_short)


def _short(value: float) -> str:
    """1.7e6 is 1.7M."""
    for unit, letter in UNITS:
        if value >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"
