"""Frames as `logs.load` gives them, and how figures are read."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.output import figures

EPOCHS = (1, 2, 3, 4)
LAST_FINITE = 2  # epoch of a diverged run
ERRORS = {"original": {0: 6.0, 1: 7.0, 2: 9.0}, "full_preact": {0: 5.0, 1: None, 2: 6.0}}

Frames = tuple[pd.DataFrame, pd.DataFrame]


@pytest.fixture
def history_of() -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The epochs of runs: the error of each is the last one's times 4, 3, 2, 1; a diverged run's is 8 times that."""

    def history(runs: pd.DataFrame) -> pd.DataFrame:
        rows = []
        for _, run in runs.iterrows():
            for epoch in EPOCHS:
                diverged = run["outcome"] == "diverged"
                error = np.nan if diverged and epoch > LAST_FINITE else (8.0 if diverged else run["summary.test/error"])
                error *= len(EPOCHS) + 1 - epoch
                row = {name: run[name] for name in ("run_id", "variant", "seed")} | {"epoch": epoch}
                rows.append(row | {"test/error": error, "train/error": error / 2, "train/loss": error / 20})
        return pd.DataFrame(rows)

    return history


@pytest.fixture
def frames(ablation_runs: Callable[..., pd.DataFrame], history_of: Callable[[pd.DataFrame], pd.DataFrame]) -> Frames:
    """Two variants of three seeds, one of which diverged."""
    runs = ablation_runs(ERRORS).assign(epochs=len(EPOCHS))
    return runs, history_of(runs)


@pytest.fixture
def declared(
    ablation_runs: Callable[..., pd.DataFrame], history_of: Callable[[pd.DataFrame], pd.DataFrame]
) -> Callable[..., Frames]:
    """`declared(errors, kind="ladder", ...)`: frames of an ablation of these variants with these declared keys."""

    def make(errors: dict[str, dict[int, float | None]], **keys: object) -> Frames:
        plain = {"variants": list(errors), "labels": list(errors), "baseline": next(iter(errors)), "published": None}
        context = {f"ablation__{key}": value for key, value in (plain | keys).items()}
        runs = ablation_runs(errors, **context).assign(epochs=len(EPOCHS))
        return runs, history_of(runs)

    return make


@pytest.fixture
def drawn_at() -> Callable[[Axes, str], list[list[float]]]:
    """`drawn_at(axes, label)`: the points of every line, and of every scatter, with this label."""

    def points(axes: Axes, label: str) -> list[list[float]]:
        lines = [line.get_xydata() for line in axes.get_lines() if line.get_label() == label]
        scatters = [dots.get_offsets() for dots in axes.collections if dots.get_label() == label]
        return [point for found in (*lines, *scatters) for point in np.ma.filled(found, np.nan).tolist()]

    return points


@pytest.fixture
def texts() -> Callable[[Figure], list[str]]:
    """The legend's texts, wherever it is."""

    def found(figure: Figure) -> list[str]:
        legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
        return [text.get_text() for legend in legends if legend for text in legend.get_texts()]

    return found


@pytest.fixture
def overlaps() -> Callable[[Figure], list[str]]:
    """`overlaps(figure)`: pairs of texts that cover one another as printed, and texts cut off by the edge."""

    def found(figure: Figure) -> list[str]:
        with figures.style.style():
            figure.draw_without_rendering()
            undrawn = {label for axes in figure.axes for label in outside_the_limits(axes)}
            shown = [text for text in figure.findobj(Text) if text.get_visible() and text not in undrawn]
            boxes = [(text.get_text(), text.get_window_extent()) for text in shown if text.get_text().strip()]
        cut = [text for text, box in boxes if figure.bbox.padded(1).count_contains([box.min, box.max]) < 2]
        pairs = [
            f"{one} | {other}"
            for i, (one, box) in enumerate(boxes)
            for other, other_box in boxes[:i]
            if box.padded(-1).overlaps(other_box.padded(-1))
        ]
        return cut + pairs

    return found


def outside_the_limits(axes: Axes) -> list[Text]:
    """Labels of ticks that matplotlib keeps but does not draw."""
    labels = []
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        gone = [tick for tick in ticks if not low <= tick.get_loc() <= high]
        labels += [label for tick in gone for label in (tick.label1, tick.label2)]
    return labels
