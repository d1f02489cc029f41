"""Learning curves: all variants in one panel, or one panel per variant, each beside the baseline."""

from __future__ import annotations

from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.output.figures.lines import BOLD, THIN, diverged_lines, kind_handles, median_line, scale, wide
from analysis.output.figures.style import (
    HEIGHT_IN,
    LABELS,
    WIDTH_IN,
    legend_below,
    panels,
    small_title,
    style,
    whole_ticks,
)
from analysis.study import Study
from analysis.study.looks import BASELINE, COLOURS

Training = Literal["train/error", "train/loss"]
IN_ONE_PANEL = 6  # more variants than that hide one another


def training_curves(
    study: Study,
    *,
    y: str = "test/error",
    training: Training | None = "train/error",
    x: Literal["epochs", "iterations"] = "epochs",
    log_y: bool = False,
    columns: Literal[1, 2] = 1,
    title: str | None = None,
) -> Figure:
    """Learning curves as in He et al. 2016, Figures 1 and 6: `y` solid and bold, `training` dashed.

    Line: median over the seeds that did not diverge, epoch by epoch; band: their minimum to maximum. A diverged run
    is a thin line of its own up to its last finite epoch, which an x marks. The training error shares the axis of
    the test error; the training loss has a logarithmic axis on the left, and `y` then stands on the right, as in
    the paper. x="iterations": in units of 1e4 from 1e4 on. columns: of print, 3.3 or 6.9 inches wide. A linear axis
    shows every last epoch and may cut the first ones off; a logarithmic one has no place for an error of 0.
    """
    points = study.points(y, *([training] if training else []))
    points["x"], x_label = _position(points["epoch"], study, x)
    with style():
        figure = Figure(figsize=(WIDTH_IN[columns], HEIGHT_IN), layout="constrained")
        axes = figure.add_subplot()
        dashed = axes.twinx() if training == "train/loss" else axes
        if dashed is not axes:
            _swap_sides(axes, dashed)
        for place, name in enumerate(study.drawn_variants):
            mine, look = points[points["variant"] == name], study.looks[name]
            if training is not None:
                median_line(dashed, mine, training, color=look.colour, linestyle="--", linewidth=THIN)
            median_line(
                axes,
                mine,
                y,
                color=look.colour,
                linestyle="-",
                band=True,
                marker=look.marker,
                phase=place / len(study.drawn_variants),
            )
            diverged_lines(axes, mine, y, look.colour)
        scale(axes, points, [y, training] if dashed is axes and training else [y], log_y)
        axes.set_xlabel(x_label)
        whole_ticks(axes.xaxis, whole=x_label != "iterations (1e4)")
        axes.set_ylabel(LABELS.get(y, y) if dashed is not axes or training is None else "error (%)")
        if title is not None:
            axes.set_title(title)
        handles = [
            Line2D(
                [],
                [],
                color=look.colour,
                marker=look.marker,
                label=f"{study.declared.labels[name]} ({study.diverged_text(name)})",
            )
            for name, look in study.looks.items()
        ]
        legend_below(figure, [*handles, *kind_handles(y, training)])
    return figure


def curve_panels(
    study: Study,
    *,
    y: str = "test/error",
    training: Training | None = "train/error",
    log_y: bool = False,
) -> Figure:
    """One small panel per variant, with the baseline in black in each, as in He et al. 2016, Figure 3; lines as above.

    All panels have the same axes, so that many variants stay legible on two columns of print.
    """
    points = study.points(y, *([training] if training else []))
    baseline = study.declared.baseline
    others = [name for name in study.drawn_variants if name != baseline] or [baseline]
    with style():
        y_label = "error (%)" if training == "train/error" else LABELS.get(y, y)
        figure, every = panels(len(others), study.declared.step, y_label)
        for axes, name in zip(every, others, strict=True):
            drawn = {name: COLOURS[0]} | {baseline: BASELINE}
            for variant, colour in drawn.items():
                _curves(axes, points[points["variant"] == variant], y, training, colour)
            small_title(axes, study.declared.labels[name], f"({study.diverged_text(name)})")
        scale(every[0], points, [y] if training is None else [y, training], log_y)
        whole_ticks(every[0].xaxis)
        handles = [
            Line2D(
                [], [], color=BASELINE, label=f"{study.declared.labels[baseline]} ({study.diverged_text(baseline)})"
            ),
            Line2D([], [], color=COLOURS[0], label="the panel's variant"),
            *kind_handles(y, training),
        ]
        legend_below(figure, handles)
    return figure


def _curves(axes: Axes, mine: pd.DataFrame, y: str, training: str | None, colour: str) -> None:
    if training is not None:
        median_line(axes, mine, training, color=colour, linestyle="--", linewidth=THIN)
    median_line(axes, mine, y, color=colour, linestyle="-", linewidth=BOLD, band=True)
    diverged_lines(axes, mine, y, colour)


def curves(study: Study) -> Figure | None:
    """The form that suits the number of variants and the spread of their errors; None without a test error."""
    y = "test/error" if "test/error" in study.history else f"test/{study.metric.name}"
    if y not in study.history:
        return None
    points = study.points(y)
    if points[y].isna().all():
        return None
    draw = training_curves if len(study.drawn_variants) <= IN_ONE_PANEL else curve_panels
    training = "train/error" if y == "test/error" and "train/error" in study.history else None
    return draw(study, y=y, training=training, log_y=wide(points, y))


def _position(epoch: pd.Series, study: Study, unit: str) -> tuple[pd.Series, str]:
    """Epochs, counted from 1, or the iterations they took, and the axis label; long runs in units of 1e4."""
    if unit == "epochs":
        return epoch, study.declared.step
    counted = study.counted
    finished = counted[counted["outcome"] == "finished"]
    if "config.recipe.iterations" not in counted or finished.empty:
        raise ValueError("iterations need a finished run whose config has recipe.iterations; use x='epochs'")
    iterations = float(finished["config.recipe.iterations"].iloc[0])
    position = epoch / finished["epochs"].max() * iterations
    return (position / 1e4, "iterations (1e4)") if iterations >= 1e4 else (position, "iterations")


def _swap_sides(axes: Axes, loss: Axes) -> None:
    """The loss on the left on a logarithmic axis, the error on the right."""
    axes.spines["right"].set_visible(True)
    axes.yaxis.set_label_position("right")
    axes.yaxis.tick_right()
    loss.yaxis.set_label_position("left")
    loss.yaxis.tick_left()
    loss.set_yscale("log")
    loss.set_ylabel("training loss (dashed)")
