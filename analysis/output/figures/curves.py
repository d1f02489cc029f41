"""Learning curves: all variants in one panel, or one panel per variant, each beside the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from analysis.output.figures import style as st
from analysis.output.figures.text import log_ticks, whole_ticks
from analysis.study import Study
from analysis.study.looks import BASELINE, COLOURS

Training = Literal["train/error", "train/loss"]
IN_ONE_PANEL = 6  # more variants than that hide one another
INF = float("inf")
MARKS = 6  # markers on a line, so that lines can be told apart in grey print
DECADE = 10.0
WIDE = 5.0  # a ratio of last errors from which on only a logarithmic axis shows them all


@st.styled
def training_curves(
    study: Study,
    *,
    y: str = "test/error",
    training: Training | None = "train/error",
    x: Literal["epochs", "iterations"] = "epochs",
    log_y: bool = False,
    columns: st.Columns = 1,
) -> st.Picture:
    """Learning curves as in He et al. 2016, Figures 1 and 6: `y` solid and bold, `training` dashed.

    Line: median over the seeds that did not diverge, epoch by epoch; band: their minimum to maximum. A diverged run
    is a thin line of its own up to its last finite epoch, which an x marks. The training error shares the axis of
    the test error; the training loss has a logarithmic axis on the left, and `y` is then on the right, as in the
    paper. x="iterations": in units of 10⁴ from 10⁴ on. columns: of print, 3.3 or 6.9 inches wide. A linear axis shows
    every last epoch and may cut the first ones off; a logarithmic one has no place for an error of 0.
    """
    points = study.points(y, *([training] if training else []))
    points["x"], x_label = _position(points["epoch"], study, x)
    figure = st.picture(columns)
    axes = figure.add_subplot()
    dashed = axes.twinx() if training == "train/loss" else axes
    shared = [y, training] if training == "train/error" else [y]
    axes.set(xlabel=x_label, ylabel="error (%)" if len(shared) == 2 else st.LABELS.get(y, y))
    if dashed is not axes:  # the loss on the left, the error on the right
        axes.spines["right"].set_visible(True)
        axes.yaxis.set(label_position="right", ticks_position="right")
        dashed.yaxis.set(label_position="left", ticks_position="left")
        dashed.set(yscale="log", ylabel="training loss (dashed), log scale")
    for name in study.drawn_variants:
        look = study.looks[name]
        _curves(axes, dashed, points[points["variant"] == name], y, training, look.colour, marker=look.marker)
    scale(axes, points, shared, log_y)
    whole_ticks(axes.xaxis, whole=x_label != "iterations (10⁴)")
    looks = {name: look for name, look in study.looks.items() if name in study.drawn_variants}
    handles = [st.key(_named(study, name), color=look.colour, marker=look.marker) for name, look in looks.items()]
    st.legend_below(figure, [*handles, *kind_keys(study, points, y, training)])
    return figure


@st.styled
def curve_panels(
    study: Study,
    *,
    y: str = "test/error",
    training: Training | None = "train/error",
    log_y: bool = False,
    columns: st.Columns = 2,
) -> st.Picture:
    """One small panel per variant, with the baseline in black in each, as in He et al. 2016, Figure 3; lines as above.

    All panels have the same axes, so that many variants stay legible.
    """
    points = study.points(y, *([training] if training else []))
    baseline = study.declared.baseline
    others = [name for name in study.drawn_variants if name != baseline] or [baseline]
    y_label = ("error (%)" if training == "train/error" else st.LABELS.get(y, y)) + ", log scale" * log_y
    figure, every = st.panels([_named(study, name) for name in others], columns, study.declared.step, y_label)
    for axes, name in zip(every, others, strict=True):
        for variant, colour in ({name: COLOURS[0]} | {baseline: BASELINE}).items():
            _curves(axes, axes, points[points["variant"] == variant], y, training, colour)
    scale(every[0], points, [y, training] if training else [y], log_y)
    whole_ticks(every[0].xaxis)
    handles = [st.key(_named(study, baseline), color=BASELINE), st.key("the panel's variant", color=COLOURS[0])]
    st.legend_below(figure, [*handles, *kind_keys(study, points, y, training)])
    return figure


def curves(study: Study, **options: Any) -> st.Picture | None:
    """The form that suits the number of variants and the spread of their errors; None without a test error."""
    y = "test/error" if "test/error" in study.history else f"test/{study.metric.name}"
    if y not in study.history or (points := study.points(y))[y].isna().all():
        return None
    draw = training_curves if len(study.drawn_variants) <= IN_ONE_PANEL else curve_panels
    training = "train/error" if y == "test/error" and "train/error" in study.history else None
    return draw(study, y=y, training=training, log_y=wide(points, y), **options)


def median_line(axes: Axes, mine: pd.DataFrame, metric: str, *, band: bool = False, **line: Any) -> None:
    """Median over the finished seeds at each x; band: their minimum to maximum."""
    finished = mine[mine["outcome"] == "finished"]
    epochs = finished["x"].nunique()
    if line.get("marker"):
        line |= {"markevery": max(1, epochs // MARKS), "markeredgecolor": "white", "markeredgewidth": 0.4}
    elif epochs == 1:  # a line of one point would not be seen
        line |= {"marker": "o", "markersize": 3} | ({"fillstyle": "none"} if line.get("linestyle") == "--" else {})
    spread = finished.groupby("x")[metric].agg(["median", "min", "max"]).reset_index()  # seaborn's own takes seconds
    st.keep_labels(sns.lineplot, axes, data=spread, x="x", y="median", estimator=None, legend=False, **line)
    if band:
        axes.fill_between(spread["x"], spread["min"], spread["max"], color=line["color"], alpha=0.18, linewidth=0)


def diverged_lines(axes: Axes, mine: pd.DataFrame, metric: str, colour: str) -> None:
    """A thin line up to the last finite value, which an x marks."""
    for _, run in mine[mine["outcome"] == "diverged"].groupby("run_id"):
        finite = run[run[metric].abs() < INF]
        axes.plot(finite["x"], finite[metric], color=colour, linewidth=st.THIN)
        axes.plot(finite["x"].tail(1), finite[metric].tail(1), "x", color=colour, markersize=5, zorder=4)


def scale(axes: Axes, points: pd.DataFrame, metrics: Sequence[str], log_y: bool) -> None:
    """Logarithmic; or from 0 to four times the largest last value, so that the first epochs do not flatten the rest.

    The cross of a diverged run is inside as well. A logarithmic axis ends a decade below the first metric's least last
    value: training errors close to 0 would take most of it.
    """
    finite = points[["outcome", "run_id", "x", *metrics]].replace([INF, -INF], float("nan")).sort_values("x")
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


def kind_keys(study: Study, points: pd.DataFrame, y: str, training: str | None, *, band: bool = True) -> list[Artist]:
    """Legend entries for the bold solid and the thin dashed lines, the band and the cross, as far as they are there."""
    several = bool(study.drawn.groupby("variant")["seed"].nunique().max() > 1)
    kinds = [(y, "-", st.BOLD)] + ([] if training is None else [(training, "--", st.THIN)])
    keys: list[Artist] = [
        st.key(
            st.LABELS.get(name, name).removesuffix(" (%)") + ", median" * several, linestyle=line, linewidth=width
        )
        for name, line, width in kinds
    ]  # fmt: skip
    keys += [st.band_key(f"range over seeds{st.counts(study, study.diverged_text)[0]}")] if band and several else []
    diverged = st.key("diverged after this", marker="x", markersize=5, linewidth=st.THIN)
    return [*keys, diverged] if (points["outcome"] == "diverged").any() else keys


def _named(study: Study, name: str) -> str:
    """The label, with the number of runs where it is not the usual one, as where some diverged."""
    _, notes = st.counts(study, study.diverged_text)
    note = notes.get(name, "" if name in study.drawn_variants else study.diverged_text(name))
    return study.declared.labels[name] + (f" ({note})" if note else "")


def _curves(
    axes: Axes, dashed: Axes, mine: pd.DataFrame, y: str, training: str | None, colour: str, **line: Any
) -> None:
    if training is not None:
        median_line(dashed, mine, training, color=colour, linestyle="--", linewidth=st.THIN)
    median_line(axes, mine, y, band=True, color=colour, linestyle="-", linewidth=st.BOLD, **line)
    diverged_lines(axes, mine, y, colour)


def _position(epoch: pd.Series, study: Study, unit: str) -> tuple[pd.Series, str]:
    """Epochs, counted from 1, or the iterations they took, and the axis label; long runs in units of 10⁴."""
    if unit == "epochs":
        return epoch, study.declared.step
    counted = study.counted
    finished = counted[counted["outcome"] == "finished"]
    if "config.recipe.iterations" not in counted or finished.empty:
        raise ValueError("iterations need a finished run whose config has recipe.iterations; use x='epochs'")
    iterations = float(finished["config.recipe.iterations"].iloc[0])
    position = epoch / finished["epochs"].max() * iterations
    return (position / 1e4, "iterations (10⁴)") if iterations >= 1e4 else (position, "iterations")
