"""Factorial ablations: how the effect of one factor depends on another, and on depth."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.output.figures.levels import depth_of, factor_text, level_text
from analysis.output.figures.lines import BOLD, THIN, diverged_lines, kind_handles, median_line, scale, wide
from analysis.output.figures.style import (
    DIAMOND,
    HEIGHT_IN,
    WIDTH_IN,
    legend_below,
    log_ticks,
    shades,
    style,
    whole_ticks,
)
from analysis.schema import ERROR
from analysis.study import Study
from analysis.study.looks import Look, looks
from analysis.study.values import is_number

MAX_PANELS = 3  # levels beside the panel of the last errors


def interaction(study: Study) -> Figure | None:
    """Last test error against the levels of one factor, one line per level of the other; parallel: no interaction.

    Lines join medians (failed runs ranked last), each seed is a small open mark, the paper's cells are diamonds. A cell
    whose median is a failure has no point; the upper edge tells how many of its runs failed. The factor of numbers, or
    else of more levels, is on the x axis, logarithmic for depths and for numbers that span a factor of ten.
    None unless the logs declare a factorial of two factors.
    """
    if study.declared.kind != "factorial" or len(study.factors) != 2:
        return None
    across, within = _orient(study)
    with style():
        figure = Figure(figsize=(WIDTH_IN[1], HEIGHT_IN), layout="constrained")
        axes = figure.add_subplot()
        place = _x_axis(axes, study, across)
        handles = _level_lines(axes, study, across, within, place)
        axes.set_ylabel(study.metric.heading)
        handles.append(
            Line2D([], [], color="0.4", marker="o", markerfacecolor="none", linestyle="none", label="one seed")
        )
        if _paper_marks(axes, study, across, place):
            handles.append(Line2D([], [], label="paper", **DIAMOND))
        legend_below(figure, handles)
    return figure


def degradation(study: Study) -> Figure | None:
    """As in He et al. 2015, Figure 6: one panel of curves per level, then last errors against depth.

    Curves: medians of the test error bold, of the training error dashed, darker the deeper the net. Last panel: medians
    over the seeds, each seed a small open mark, the training error dashed: where it too rises with depth, the net is
    not overfitting but hard to train. None unless the logs declare a factorial of a depth and another factor.
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
    points = study.points("test/error", "train/error")
    found = {name: depth_of(depth, study.levels(name).get(depth)) for name in study.variants}
    depth_at = {name: value for name, value in found.items() if value is not None}
    depths = sorted(set(depth_at.values()))
    with style():
        figure = Figure(figsize=(WIDTH_IN[2], HEIGHT_IN), layout="constrained")
        *left, right = figure.subplots(1, len(levels) + 1)
        for axes, level in zip(left, levels, strict=True):
            with_level = [name for name in depth_at if study.levels(name).get(other) == level]
            for name in sorted(with_level, key=lambda name: depth_at[name]):
                colour = shades(len(depths))[depths.index(depth_at[name])]
                mine = points[points["variant"] == name]
                median_line(axes, mine, "train/error", color=colour, linestyle="--", linewidth=THIN)
                median_line(axes, mine, "test/error", color=colour, linestyle="-", linewidth=BOLD)
                diverged_lines(axes, mine, "test/error", colour)
            axes.sharey(left[0])
            axes.set_title(level_text(other, level))
            axes.set_xlabel("epoch")
            whole_ticks(axes.xaxis)
        scale(left[0], points, ["test/error", "train/error"], wide(points, "test/error"))
        left[0].set_ylabel("error (%)")
        place = _x_axis(right, study, depth)
        handles = _level_lines(right, study, depth, other, place)
        _training_errors(right, study, points, depth, other, place)
        right.set_xlabel("depth")
        right.set_ylabel("error of the last epoch (%)")
        depth_handles = [
            Line2D([], [], color=colour, label=f"depth {depth}")
            for depth, colour in zip(depths, shades(len(depths)), strict=True)
        ]
        legend_below(figure, [*depth_handles, *handles, *kind_handles("test/error", "train/error")])
    return figure


def _is_depth(study: Study, factor: str) -> bool:
    return all(depth_of(factor, value) is not None for value in study.values(factor))


def _number(factor: str, value: Any) -> float | None:
    return float(value) if is_number(value) else depth_of(factor, value)


def _orient(study: Study) -> tuple[str, str]:
    """The factor on the x axis, and the one whose levels are lines."""
    first, second = study.factors

    def rank(factor: str) -> tuple[bool, int]:
        values = study.values(factor)
        return all(_number(factor, value) is not None for value in values), len(values)

    return (second, first) if rank(second) > rank(first) else (first, second)


def _x_axis(axes: Axes, study: Study, factor: str) -> dict[str, float]:
    """Set up the x axis for the factor's levels; returns the position of each level, by its text."""
    values = study.values(factor)
    numbers = [number for value in values if (number := _number(factor, value)) is not None]
    axes.set_xlabel("depth" if _is_depth(study, factor) else factor_text(factor))
    if len(numbers) < len(values) or (len(values) == 2 and not _is_depth(study, factor)):
        axes.set_xticks(range(len(values)), [level_text(factor, value) for value in values])
        axes.set_xlim(-0.4, len(values) - 0.6)
        return {repr(value): float(place) for place, value in enumerate(values)}
    if _is_depth(study, factor) or (min(numbers) > 0 and max(numbers) >= 10 * min(numbers)):
        axes.set_xscale("log")
        log_ticks(axes.xaxis, sorted(numbers))
    else:
        axes.set_xticks(sorted(numbers), [f"{number:g}" for number in sorted(numbers)])
    return {repr(value): number for value, number in zip(values, numbers, strict=True)}


def _cells(study: Study, across: str, within: str, place: dict[str, float]) -> dict[str, list[tuple[float, str]]]:
    """Level of `within`, as text -> (x, variant), from left to right."""
    cells: dict[str, list[tuple[float, str]]] = {repr(value): [] for value in study.values(within)}
    for name in study.variants:
        cells[repr(study.levels(name)[within])].append((place[repr(study.levels(name)[across])], name))
    return {level: sorted(found) for level, found in cells.items()}


def _look_of_levels(study: Study, within: str) -> dict[str, Look]:
    """The baseline's level is black, like the baseline in other figures."""
    levels = [repr(value) for value in study.values(within)]
    baseline = study.levels(study.declared.baseline).get(within)
    return looks(levels, repr(baseline) if repr(baseline) in levels else None)


def _level_lines(axes: Axes, study: Study, across: str, within: str, place: dict[str, float]) -> list[Line2D]:
    """A line of medians and the seeds' marks for each level; returns the legend's handles."""
    handles = []
    look_of = _look_of_levels(study, within)
    failed_at: list[float] = []
    for value in study.values(within):
        look, cells = look_of[repr(value)], _cells(study, across, within, place)[repr(value)]
        line: dict[str, Any] = {"color": look.colour, "marker": look.marker}
        axes.plot([x for x, _ in cells], [study.median(name) for _, name in cells], label=f"_{value}", **line)
        for x, name in cells:
            errors = list(study.errors[name].values())
            axes.plot(
                [x] * len(errors), errors, label=f"_seeds of {name}", linestyle="none", markersize=3.5,
                markerfacecolor="none", markeredgewidth=0.5, **line,
            )  # fmt: skip
            if failures := study.failures(name):
                _failed(axes, x, failures, len(errors) + failures, look.colour, above=failed_at.count(x))
                failed_at.append(x)
        handles.append(Line2D([], [], label=level_text(within, value, alone=True), **line))
    if failed_at:
        handles.append(Line2D([], [], color="0.3", marker="x", linestyle="none", label="failed/all runs"))
    return handles


def _failed(axes: Axes, x: float, failures: int, runs: int, colour: str, above: int) -> None:
    """× failed/all at the upper edge, above the marks of `above` other levels at the same place."""
    axes.annotate(
        f"× {failures}/{runs}", (x, 1), xycoords=axes.get_xaxis_transform(), xytext=(0, 2 + 7 * above),
        textcoords="offset points", ha="center", va="bottom", fontsize=6, color=colour,
    )  # fmt: skip


def _paper_marks(axes: Axes, study: Study, across: str, place: dict[str, float]) -> bool:
    by_variant = study.paper.by_variant
    marked = [name for name in study.variants if name in by_variant.index and not by_variant.loc[name, "failed"]]
    for name in marked:
        x = place[repr(study.levels(name)[across])]
        axes.plot([x], [by_variant.loc[name, "value"]], zorder=3, label="_paper", **DIAMOND)
    return bool(marked)


def _training_errors(
    axes: Axes, study: Study, points: pd.DataFrame, across: str, within: str, place: dict[str, float]
) -> None:
    finished = points[points["outcome"] == "finished"].sort_values("epoch")
    last = finished.groupby(["variant", "run_id"])["train/error"].last().groupby("variant").median()
    look_of = _look_of_levels(study, within)
    for value in study.values(within):
        look, cells = look_of[repr(value)], _cells(study, across, within, place)[repr(value)]
        errors = [last.get(name, math.nan) for _, name in cells]
        axes.plot(
            [x for x, _ in cells], errors, color=look.colour, marker=look.marker, linestyle="--", linewidth=THIN,
            markersize=2.5, label=f"_training {value}",
        )  # fmt: skip
