"""Learning curves: all variants in one panel, or one panel per variant, each beside the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from analysis.output.figures import style as st
from analysis.output.figures.text import log_ticks, whole_ticks
from analysis.study import Study
from analysis.study.looks import BASELINE, COLOURS

IN_ONE_PANEL = 6  # more variants than that hide one another
INF = float("inf")
MARKS = 6  # markers on a line, so that lines can be told apart in grey print
DECADE = 10.0
SOLID: Mapping[str, Any] = {"linestyle": "-", "linewidth": st.BOLD}
DASHED: Mapping[str, Any] = {"linestyle": "--", "linewidth": st.THIN}
WIDE = 5.0  # a ratio of last errors from which on only a logarithmic axis shows them all


@st.figure
def training_curves(
    study: Study,
    *,
    y: str | None = None,
    training: bool = True,
    log_y: bool | None = None,
    panels: bool | None = None,
    columns: st.Columns | None = None,
) -> st.Picture | None:
    """Learning curves as in He et al. 2016, Figures 1 and 6: `y` solid and bold, the same of the training set dashed.

    Line: median over the seeds that did not diverge, epoch by epoch; band: their minimum to maximum. A diverged run
    is a thin line of its own up to its last finite epoch, which an x marks. y: by default the test error. panels: a
    small one per variant with the baseline in black in each (Figure 3 there), by default for more than six variants.
    log_y: by default where the last errors are far apart; a linear axis shows every last epoch and may cut the first
    ones off, a logarithmic one has no place for a 0. columns: of print, 3.3 or 6.9 inches wide. None without a `y`.
    """
    y = y or ("test/error" if "test/error" in study.history else f"test/{study.metric.name}")
    if y not in study.history or study.points(y)[y].isna().all():
        return None
    metrics, baseline, names = _metrics(study, y, training), study.declared.baseline, study.drawn_variants
    points = study.points(*metrics)
    log_y = wide(points, metrics[0]) if log_y is None else log_y
    x_label, y_label = study.declared.step, _y_label(metrics) + ", log scale" * log_y
    lines: list[dict[str, dict[str, Any]]]  # of each panel: variant -> its look
    if len(names) > IN_ONE_PANEL if panels is None else panels:
        others = [name for name in names if name != baseline] or [baseline]
        figure, every = st.panels([_named(study, name) for name in others], columns or 2, x_label, y_label)
        lines = [{name: {"color": COLOURS[0]}} | {baseline: {"color": BASELINE}} for name in others]
        handles = [st.key(_named(study, baseline), color=BASELINE), st.key("the panel's variant", color=COLOURS[0])]
    else:
        figure = st.picture(columns or 1)
        every = [figure.add_subplot(xlabel=x_label, ylabel=y_label)]
        looks = {name: look for name, look in study.looks.items() if name in names}
        lines = [{name: {"color": look.colour, "marker": look.marker} for name, look in looks.items()}]
        handles = [st.key(_named(study, name), **line) for name, line in lines[0].items()]
    for axes, looks_of in zip(every, lines, strict=True):
        for name, line in looks_of.items():
            mine = points[points["variant"] == name]
            for metric in metrics[1:]:
                median_line(axes, mine, metric, color=line["color"], **DASHED)
            median_line(axes, mine, metrics[0], band=True, **SOLID, **line)
            diverged_lines(axes, mine, metrics[0], line["color"])
    scale(every[0], points, metrics, log_y)
    whole_ticks(every[0].xaxis)
    st.legend_below(figure, [*handles, *kind_keys(study, points, metrics)])
    return figure


def median_line(axes: Axes, mine: pd.DataFrame, metric: str, *, band: bool = False, **line: Any) -> None:
    """Median over the finished seeds at each epoch; band: their minimum to maximum."""
    finished = mine[mine["outcome"] == "finished"]
    epochs = finished["epoch"].nunique()
    if line.get("marker"):
        line |= {"markevery": max(1, epochs // MARKS), "markeredgecolor": "white", "markeredgewidth": 0.4}
    elif epochs == 1:  # a line of one point would not be seen
        line |= {"marker": "o", "markersize": 3} | ({"fillstyle": "none"} if line.get("linestyle") == "--" else {})
    by_epoch = finished.groupby("epoch")[metric]  # seaborn's own aggregation takes seconds
    spread = by_epoch.agg(["median", "min", "max"]).reset_index()
    st.keep_labels(sns.lineplot, axes, data=spread, x="epoch", y="median", estimator=None, legend=False, **line)
    if band:
        axes.fill_between(spread["epoch"], spread["min"], spread["max"], color=line["color"], alpha=0.18, linewidth=0)


def diverged_lines(axes: Axes, mine: pd.DataFrame, metric: str, colour: str) -> None:
    """A thin line up to the last finite value, which an x marks."""
    for _, run in mine[mine["outcome"] == "diverged"].groupby("run_id"):
        finite = run[run[metric].abs() < INF]
        axes.plot(finite["epoch"], finite[metric], color=colour, linewidth=st.THIN)
        axes.plot(finite["epoch"].tail(1), finite[metric].tail(1), "x", color=colour, markersize=5, zorder=4)


def scale(axes: Axes, points: pd.DataFrame, metrics: Sequence[str], log_y: bool) -> None:
    """Logarithmic; or from 0 to four times the largest last value, so that the first epochs do not flatten the rest.

    The cross of a diverged run is inside as well. A logarithmic axis ends a decade below the first metric's least last
    value: training errors close to 0 would take most of it.
    """
    finite = points[["outcome", "run_id", "epoch", *metrics]].replace([INF, -INF], float("nan")).sort_values("epoch")
    last, greatest = finite.groupby(["outcome", "run_id"])[[*metrics]].last(), finite[[*metrics]].max().max()
    if log_y:
        axes.set_yscale("log")
        positive = last.where(last > 0)
        if positive[metrics[0]].notna().any():
            low = max(positive.min().min() / 1.2, positive[metrics[0]].min() / DECADE)
            axes.set_ylim(low, greatest * 1.2)
            log_ticks(axes.yaxis)
        return
    by_outcome = last.max(axis=1).groupby("outcome").max()
    top = max(4 * by_outcome.get("finished", 0.0), by_outcome.get("diverged", 0.0))
    if top > 0:
        axes.set_ylim(0, min(top, greatest) * 1.05)


def wide(points: pd.DataFrame, metric: str) -> bool:
    """Whether the last values are so far apart that a linear axis would flatten the lower ones."""
    last = points[points[metric].abs() < INF].sort_values("epoch").groupby("run_id")[metric].last()
    return len(last) > 0 and bool(last.min() > 0 and last.max() / last.min() > WIDE)


def kind_keys(study: Study, points: pd.DataFrame, metrics: Sequence[str], *, band: bool = True) -> list[Artist]:
    """Legend entries for the bold solid and the thin dashed lines, the band and the cross, as far as they are there."""
    several = bool(study.drawn.groupby("variant")["seed"].nunique().max() > 1)
    keys: list[Artist] = [
        st.key(st.LABELS.get(name, name).removesuffix(" (%)") + ", median" * several, **line)
        for name, line in zip(metrics, (SOLID, DASHED), strict=False)
    ]
    keys += [st.band_key(f"range over seeds{st.counts(study, study.diverged_text)[0]}")] if band and several else []
    diverged = st.key("diverged after this", marker="x", markersize=5, linewidth=st.THIN)
    return [*keys, diverged] if (points["outcome"] == "diverged").any() else keys


def _metrics(study: Study, y: str, training: bool) -> list[str]:
    """`y`, and the same of the training set where it is wanted and logged."""
    trained = y.replace("test/", "train/")
    return [y, trained] if training and trained != y and trained in study.history else [y]


def _y_label(metrics: Sequence[str]) -> str:
    label = st.LABELS.get(metrics[0], metrics[0])
    return label.removeprefix("test ") if len(metrics) == 2 else label


def _named(study: Study, name: str) -> str:
    """The label, with the number of runs where it is not the usual one, as where some diverged."""
    _, notes = st.counts(study, study.diverged_text)
    note = notes.get(name, "" if name in study.drawn_variants else study.diverged_text(name))
    return study.declared.labels[name] + (f" ({note})" if note else "")
