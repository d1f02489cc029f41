"""Learning curves: all variants in one panel, or one panel per variant, each beside the baseline."""

from __future__ import annotations

from collections.abc import Sequence
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
WIDE = 5.0  # a ratio of last errors from which on only a logarithmic axis shows them all


@st.styled
def training_curves(
    study: Study, *, y: str = "test/error", training: bool = True, log_y: bool = False, columns: st.Columns = 1
) -> st.Picture:
    """Learning curves as in He et al. 2016, Figures 1 and 6: `y` solid and bold, the same of the training set dashed.

    Line: median over the seeds that did not diverge, epoch by epoch; band: their minimum to maximum. A diverged run
    is a thin line of its own up to its last finite epoch, which an x marks. columns: of print, 3.3 or 6.9 inches wide.
    A linear axis shows every last epoch and may cut the first ones off; a logarithmic one has no place for a 0.
    """
    figure = st.picture(columns)
    axes, metrics = figure.add_subplot(), _metrics(study, y, training)
    points = study.points(*metrics)
    axes.set(xlabel=study.declared.step, ylabel=_y_label(metrics))
    for name in study.drawn_variants:
        look = study.looks[name]
        _curves(axes, points[points["variant"] == name], metrics, look.colour, marker=look.marker)
    scale(axes, points, metrics, log_y)
    whole_ticks(axes.xaxis)
    looks = {name: look for name, look in study.looks.items() if name in study.drawn_variants}
    handles = [st.key(_named(study, name), color=look.colour, marker=look.marker) for name, look in looks.items()]
    st.legend_below(figure, [*handles, *kind_keys(study, points, metrics)])
    return figure


@st.styled
def curve_panels(
    study: Study, *, y: str = "test/error", training: bool = True, log_y: bool = False, columns: st.Columns = 2
) -> st.Picture:
    """One small panel per variant, with the baseline in black in each, as in He et al. 2016, Figure 3; lines as above.

    All panels have the same axes, so that many variants stay legible.
    """
    metrics, baseline = _metrics(study, y, training), study.declared.baseline
    points = study.points(*metrics)
    others = [name for name in study.drawn_variants if name != baseline] or [baseline]
    y_label = _y_label(metrics) + ", log scale" * log_y
    figure, every = st.panels([_named(study, name) for name in others], columns, study.declared.step, y_label)
    for axes, name in zip(every, others, strict=True):
        for variant, colour in ({name: COLOURS[0]} | {baseline: BASELINE}).items():
            _curves(axes, points[points["variant"] == variant], metrics, colour)
    scale(every[0], points, metrics, log_y)
    whole_ticks(every[0].xaxis)
    handles = [st.key(_named(study, baseline), color=BASELINE), st.key("the panel's variant", color=COLOURS[0])]
    st.legend_below(figure, [*handles, *kind_keys(study, points, metrics)])
    return figure


def curves(study: Study, **options: Any) -> st.Picture | None:
    """The form that suits the number of variants and the spread of their errors; None without a test error."""
    y = "test/error" if "test/error" in study.history else f"test/{study.metric.name}"
    if y not in study.history or (points := study.points(y))[y].isna().all():
        return None
    draw = training_curves if len(study.drawn_variants) <= IN_ONE_PANEL else curve_panels
    return draw(study, y=y, log_y=wide(points, y), **options)


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
        axes.set(yscale="log", ylabel=f"{axes.get_ylabel()}, log scale" if axes.get_ylabel() else "")
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
        st.key(
            st.LABELS.get(name, name).removesuffix(" (%)") + ", median" * several, linestyle=line, linewidth=width
        )
        for name, line, width in zip(metrics, ("-", "--"), (st.BOLD, st.THIN), strict=False)
    ]  # fmt: skip
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


def _curves(axes: Axes, mine: pd.DataFrame, metrics: Sequence[str], colour: str, **line: Any) -> None:
    if len(metrics) == 2:
        median_line(axes, mine, metrics[1], color=colour, linestyle="--", linewidth=st.THIN)
    median_line(axes, mine, metrics[0], band=True, color=colour, linestyle="-", linewidth=st.BOLD, **line)
    diverged_lines(axes, mine, metrics[0], colour)
