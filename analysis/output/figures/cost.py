"""Error against the cost of a net."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from analysis.output.figures import style as st
from analysis.output.figures.text import log_ticks
from analysis.study import Study

COSTS: Mapping[str, str] = {"config.parameters": "parameters", "config.multiply_adds": "multiply-adds for one image"}
VARIES = 1.2  # greatest over least; less is not worth an axis
UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))


@st.figure
def error_against_cost(study: Study, *, columns: st.Columns | None = None) -> st.Picture | None:
    """Last test error against parameters and against multiply-adds, both logarithmic (Huang et al. 2017, Figure 3).

    A mark at a variant's median (failed runs ranked last), a small dot for each seed; the dashed line is the baseline's
    median, so variants below and left of the baseline's mark are better at a lower cost. A variant whose median is a
    failure is an x at the upper edge. columns: by default 2 for two costs. None where no cost varies by a fifth.
    """
    costs = {label: cost for column, label in COSTS.items() if (cost := _cost(study, column))}
    costs = {label: cost for label, cost in costs.items() if max(cost.values()) / min(cost.values()) >= VARIES}
    if not costs:
        return None
    colours, (usual, notes) = st.palette(study), st.counts(study, study.count_text)
    across = columns or (2 if len(costs) == 2 else 1)
    stacked = across == 1 and len(costs) == 2
    figure = st.picture(across, st.HEIGHT_IN * (1.7 if stacked else 1))
    every = figure.subplots(len(costs) if stacked else 1, 1 if stacked else len(costs), sharey=True, squeeze=False).flat
    for axes, (label, cost) in zip(every, costs.items(), strict=True):
        axes.set_xlabel(f"{label}, log scale")
        _draw(axes, study, cost, colours)
    figure.supylabel(study.metric.heading)
    dots: dict[str, Any] = {"linestyle": "none", "markersize": 5}
    handles = [
        st.key(
            study.declared.labels[name] + (f" ({notes[name]})" if name in notes else ""),
            color=colours[name], marker=study.looks[name].marker, **dots,
        )
        for name in study.variants
    ]  # fmt: skip
    handles += [st.key(f"one seed{usual}", **st.DOT)]
    handles += [st.key("baseline's median", linestyle="--", linewidth=st.THIN)]
    failing = any(math.isnan(study.median(name)) for name in study.variants)
    st.legend_below(figure, handles + [st.key("median failed", marker="x", **dots)] * failing)
    return figure


def _cost(study: Study, column: str) -> dict[str, float]:
    """Variant -> cost, for variants that log one."""
    if column not in study.counted:
        return {}
    by_variant = pd.to_numeric(study.counted[column]).groupby(study.counted["variant"]).median().dropna()
    return {name: float(by_variant[name]) for name in study.variants if by_variant.get(name, 0) > 0}


def _draw(axes: Axes, study: Study, cost: Mapping[str, float], colours: Mapping[str, str]) -> None:
    axes.set_xscale("log")
    line: dict[str, Any] = {"color": st.GREY, "linestyle": "--", "linewidth": st.THIN, "label": "_baseline"}
    axes.axhline(study.median(study.declared.baseline), **line)
    rows = pd.DataFrame({"variant": list(cost), "cost": cost.values(), "error": map(study.median, cost)})
    failed = rows[rows["error"].isna()]
    seeds = rows.assign(error=[list(study.errors[name].values()) for name in cost]).explode("error").dropna()
    looks: dict[str, Any] = {"x": "cost", "y": "error", "hue": "variant", "palette": dict(colours), "legend": False}
    markers = {name: study.looks[name].marker for name in cost}
    dots: dict[str, Any] = {"s": 9, "alpha": 0.6, "linewidth": 0, "label": "_seeds"}
    st.keep_labels(sns.scatterplot, axes, data=seeds.astype({"error": float}), **looks, **dots)
    medians: dict[str, Any] = {"style": "variant", "markers": markers, "s": 28, "linewidth": 0.4, "label": "_median"}
    st.keep_labels(sns.scatterplot, axes, data=rows, **medians, **looks)
    for name, place in zip(failed["variant"], failed["cost"], strict=True):
        edge: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "clip_on": False, "markersize": 6}
        axes.plot([place], [1], "x", color=colours[name], label="_failed", **edge)
    log_ticks(axes.xaxis, unit=next(unit for unit in UNITS if max(cost.values()) >= unit[0]))
