"""Factorial ablations: how the effect of one factor depends on another, and on depth."""

from __future__ import annotations

from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from analysis.output.figures import style as st
from analysis.output.figures.curves import DASHED, SOLID, diverged_lines, kind_keys, median_line, scale, wide
from analysis.output.figures.levels import depth_of, factor_text, level_text
from analysis.output.figures.text import log_ticks, typeset, whole_ticks
from analysis.schema import ERROR
from analysis.study import Study
from analysis.study.looks import looks
from analysis.study.values import is_number

MAX_PANELS = 3  # levels beside the panel of the last errors


@st.figure
def interaction(study: Study, *, columns: st.Columns = 1) -> st.Picture | None:
    """Last test error against the levels of one factor, one line per level of the other; parallel: no interaction.

    Lines join medians (failed runs ranked last), each seed is a small dot, the paper's cells of the same data set are
    diamonds. A cell whose median is a failure has no point; the upper edge tells how many of its runs failed. The
    factor of numbers, or else of more levels, is on the x axis, logarithmic for depths and for numbers that span a
    factor of ten. None unless the logs declare a factorial of two factors.
    """
    if study.declared.kind != "factorial" or len(study.factors) != 2:
        return None
    across, within = _orient(study)
    figure = st.picture(columns)
    axes = figure.add_subplot()
    cells = _cells(study, across, within)
    handles = _levels(axes, study, cells, within)
    _x_axis(axes, study, across)
    published = st.paper_cells(study)
    papers = published[~published["failed"].astype(bool)]["value"] if len(published) else pd.Series(dtype=float)
    marked = cells[cells["variant"].isin(papers.index)]
    if len(marked):
        axes.plot(marked["x"], marked["variant"].map(papers), zorder=3, label="_paper", **st.DIAMOND)
        handles.append(st.key("paper", **st.DIAMOND))
    axes.set_ylabel(study.metric.heading)
    st.legend_below(figure, handles)
    return figure


@st.figure
def degradation(study: Study, *, columns: st.Columns = 2) -> st.Picture | None:
    """As in He et al. 2015, Figure 6: one panel of curves per level, then last errors against depth.

    Curves: medians of the test error bold, of the training error dashed, darker the deeper the net. Last panel: medians
    over the seeds, each seed a small dot, the training error dashed: where it too rises with depth, the net is not
    overfitting but hard to train. None unless the logs declare a factorial of a depth and another factor.
    """
    depth = next((factor for factor in study.factors if _is_depth(study, factor)), None)
    if study.metric != ERROR or study.declared.kind != "factorial" or len(study.factors) != 2:
        return None
    if depth is None or study.history.empty:
        return None
    (other,) = (factor for factor in study.factors if factor != depth)
    levels = study.values(other)
    if len(levels) > MAX_PANELS or not {"test/error", "train/error"} <= set(study.history):
        return None
    points, cells = study.points("test/error", "train/error"), _cells(study, depth, other)
    depths = sorted(set(cells["x"]))
    colours = st.shades(depths)
    log_y = wide(points, "test/error")
    rows = 1 if columns == 2 else -(-(len(levels) + 1) // 2)
    figure = st.picture(columns, st.HEIGHT_IN * rows)
    every = figure.subplots(rows, -(-(len(levels) + 1) // rows), squeeze=False)
    for axes in every.flat[len(levels) + 1 :]:
        axes.remove()
    left, right = every.flat[: len(levels)], every.flat[len(levels)]
    for axes, level in zip(left, levels, strict=True):
        for _, cell in cells[cells["level"] == repr(level)].iterrows():
            mine, colour = points[points["variant"] == cell["variant"]], colours[cell["x"]]
            median_line(axes, mine, "train/error", color=colour, **DASHED)
            median_line(axes, mine, "test/error", color=colour, **SOLID)
            diverged_lines(axes, mine, "test/error", colour)
        axes.sharey(left[0])
        axes.set(title=typeset(level_text(other, level)), xlabel=study.declared.step)
        whole_ticks(axes.xaxis)
    left[0].set_ylabel("error (%)" + ", log scale" * log_y)
    scale(left[0], points, ["test/error", "train/error"], log_y)
    handles = _levels(right, study, cells, other)
    finished = points[points["outcome"] == "finished"].sort_values("epoch")
    last = finished.groupby(["variant", "run_id"])["train/error"].last().groupby("variant").median()
    training = cells.assign(error=cells["variant"].map(last))
    _lines(right, study, training, other, linestyles="--", linewidth=st.THIN, markersize=2.5, label="_training")
    _x_axis(right, study, depth)
    right.set_ylabel("error of the last epoch (%)")
    shown: list[Artist] = [st.key(f"depth {depth:g}", color=colour) for depth, colour in colours.items()]
    st.legend_below(figure, [*shown, *handles, *kind_keys(study, points, ["test/error", "train/error"], band=False)])
    return figure


def _is_depth(study: Study, factor: str) -> bool:
    return all(depth_of(factor, value) is not None for value in study.values(factor))


def _numbers(study: Study, factor: str) -> list[float] | None:
    """The factor's levels as places on an axis of numbers; None where they are words, or only two."""
    values = study.values(factor)
    found = [float(value) if is_number(value) else depth_of(factor, value) for value in values]
    numbers = [float(number) for number in found if number is not None]
    few = len(values) == 2 and not _is_depth(study, factor)
    return None if few or len(numbers) < len(values) else numbers


def _orient(study: Study) -> tuple[str, str]:
    """The factor on the x axis, and the one whose levels are lines."""
    first, second = study.factors

    def rank(factor: str) -> tuple[bool, int]:
        values = study.values(factor)
        return all(is_number(value) or depth_of(factor, value) is not None for value in values), len(values)

    return (second, first) if rank(second) > rank(first) else (first, second)


def _cells(study: Study, across: str, within: str) -> pd.DataFrame:
    """variant, x (place of its level of `across`), level (of `within`), error (median), from left to right."""
    values = study.values(across)
    places = dict(zip(map(repr, values), _numbers(study, across) or map(float, range(len(values))), strict=True))
    rows = [
        (name, places[repr(study.levels(name)[across])], repr(study.levels(name)[within]), study.median(name))
        for name in study.variants
    ]
    return pd.DataFrame(rows, columns=["variant", "x", "level", "error"]).sort_values("x", kind="stable")


def _x_axis(axes: Axes, study: Study, factor: str) -> None:
    values, numbers = study.values(factor), _numbers(study, factor)
    label = "depth" if _is_depth(study, factor) else factor_text(factor)
    if numbers is None:
        axes.set_xticks(range(len(values)), [typeset(level_text(factor, value)) for value in values])
        axes.set_xlim(-0.4, len(values) - 0.6)
    elif _is_depth(study, factor) or (min(numbers) > 0 and max(numbers) >= 10 * min(numbers)):
        axes.set_xscale("log")
        log_ticks(axes.xaxis, sorted(numbers))
        label += ", log scale"
    else:
        axes.set_xticks(sorted(numbers), [typeset(f"{number:g}") for number in sorted(numbers)])
    axes.set_xlabel(label)


def _lines(axes: Axes, study: Study, cells: pd.DataFrame, within: str, **line: Any) -> dict[str, Any]:
    """A line of `cells` for each level; returns the looks of the levels: the baseline's is black, as elsewhere."""
    levels = [repr(value) for value in study.values(within)]
    baseline = repr(study.levels(study.declared.baseline).get(within))
    look_of = looks(levels, baseline if baseline in levels else None)
    palette = {level: look.colour for level, look in look_of.items()}
    sns.pointplot(
        cells, x="x", y="error", hue="level", hue_order=levels, palette=palette, errorbar=None, native_scale=True,
        markers=[look.marker for look in look_of.values()], legend=False, ax=axes, **line,
    )  # fmt: skip
    return look_of


def _levels(axes: Axes, study: Study, cells: pd.DataFrame, within: str) -> list[Artist]:
    """A line of medians and the seeds' dots for each level; returns the legend's handles."""
    look_of = _lines(axes, study, cells, within, linewidth=st.BOLD, markersize=4.5, label="_median")
    seeds = cells.assign(error=[list(study.errors[name].values()) for name in cells["variant"]]).explode("error")
    seeds = seeds.dropna(subset="error").astype({"error": float})
    sns.scatterplot(
        seeds, x="x", y="error", hue="level", palette={level: look.colour for level, look in look_of.items()}, s=9,
        alpha=0.6, linewidth=0, label="_seeds", legend=False, ax=axes,
    )  # fmt: skip
    above: dict[float, int] = {}
    for _, cell in cells.sort_values("level", key=lambda levels: levels.map(list(look_of).index)).iterrows():
        if failures := study.failures(cell["variant"]):
            row = above[cell["x"]] = above.get(cell["x"], -1) + 1
            axes.annotate(
                f"× {failures}/{len(study.runs_of(cell['variant']))}", (cell["x"], 1), ha="center", va="bottom",
                xycoords=axes.get_xaxis_transform(), xytext=(0, 2 + 7 * row), textcoords="offset points", fontsize=6,
                color=look_of[cell["level"]].colour,
            )  # fmt: skip
    handles: list[Artist] = [
        st.key(
            level_text(within, value, alone=True), color=look_of[repr(value)].colour, marker=look_of[repr(value)].marker
        )
        for value in study.values(within)
    ]
    handles.append(st.key(f"one seed{st.counts(study, study.count_text)[0]}", **st.DOT))
    return handles + [st.key("failed of all runs", color=st.GREY, marker="x", linestyle="none")] * bool(above)
