"""How soon training reaches a given error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.artist import Artist

from analysis.output.figures import style as st
from analysis.output.figures.curves import diverged_lines, median_line
from analysis.output.figures.levels import level_text
from analysis.output.figures.text import whole_ticks
from analysis.stats import survival
from analysis.study import Study
from analysis.study.looks import looks

TUNED = "recipe.learning_rate"  # the paper chose it for each net on its own
METRIC = "train/error"


@st.figure
def error_to_target(study: Study, *, columns: st.Columns = 1) -> st.Picture | None:
    """Training error against epochs and where it falls below the target, as in Krizhevsky et al. 2012, Figure 1.

    Line: median over the seeds, band: least to greatest, dashed grey: the ablation's target (there 25 %). A mark at
    the target stands at the median epoch in which the runs reach it, a small dot for each seed. Where the learning
    rate is a factor too, each net is shown at the rate that gets there first (ties and nets that never get there: at
    the rate of least last training error), as the paper tuned it for each; its other rates are thin.
    A diverged run is a thin line that ends in an x.
    None where the logs declare no target or hold no training error.
    """
    target = study.declared.target_train_error
    if target is None or METRIC not in study.history or (points := study.points(METRIC)).empty:
        return None
    epochs = study.epochs_to_target
    reached = {name: survival.median(times) for name, times in epochs.items()}
    best = _best(study, points, reached)
    baseline = _net(study, study.declared.baseline)
    look_of = looks(list(best), baseline if baseline in best else None)
    others = [name for name in study.variants if name not in best.values()]
    figure = st.picture(columns)
    axes = figure.add_subplot()
    axes.axhline(target, color=st.GREY, linestyle="--", linewidth=st.THIN, label="_target")
    handles: list[Artist] = []
    for name in others:
        slower = points[points["variant"] == name]
        median_line(axes, slower, METRIC, color=look_of[_net(study, name)].colour, linewidth=0.5, alpha=0.6)
    for net, name in best.items():
        look, mine = look_of[net], points[points["variant"] == name]
        median_line(axes, mine, METRIC, band=True, color=look.colour, linestyle="-")
        diverged_lines(axes, mine, METRIC, look.colour)
        seeds = [epoch for epoch in epochs[name].values() if math.isfinite(epoch)]
        line: dict[str, Any] = {"color": look.colour, "marker": look.marker, "linestyle": "none"}
        dots: dict[str, Any] = {**st.DOT, "color": look.colour, "zorder": 3}
        axes.plot(seeds, [target] * len(seeds), label="_seeds", **dots)
        if math.isfinite(median := reached[name]):
            axes.vlines(median, 0, target, color=look.colour, linestyle=":", linewidth=0.8)
            axes.plot([median], [target], markersize=5, zorder=4, label="_median", **line)
        label = f"{_text(study, name)}: {_when(median, target)}"
        handles.append(st.key(label, color=look.colour, marker=look.marker))
    axes.set(ylim=(0, min(100, points[METRIC].max() * 1.05)), xlabel=study.declared.step, ylabel=st.LABELS[METRIC])
    whole_ticks(axes.xaxis)
    handles += [
        st.key(f"target: {target:g} %", linestyle="--", linewidth=st.THIN),
        st.key("one seed reaches it", **st.DOT),
    ]
    handles += [st.key("other learning rates", linewidth=0.5)] * bool(others)
    st.legend_below(figure, [*handles, st.band_key("range over seeds")])
    return figure


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
