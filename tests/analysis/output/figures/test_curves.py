"""Learning curves, read off their objects: what is drawn is what the frames hold."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from analysis.output import figures
from analysis.study.looks import looks
from tests.analysis.example import ERRORS as EXAMPLE

EPOCHS = (1, 2, 3, 4)  # of the fixture `frames`
LAST_FINITE = 2


def line(axes: Axes, colour: str, style: str) -> np.ndarray:
    """The y data of the one line of this colour and style with a point at every epoch."""
    found = [
        drawn.get_ydata()
        for drawn in axes.get_lines()
        if to_hex(drawn.get_color()).upper() == colour
        and drawn.get_linestyle() == style
        and len(drawn.get_xdata()) == len(EPOCHS)
    ]
    (data,) = found
    return np.asarray(data, dtype=float)


def test_the_lines_are_the_medians_over_the_seeds(frames):
    axes = figures.training_curves(*frames).axes[0]
    assert line(axes, "#000000", "-") == pytest.approx([28.0, 21.0, 14.0, 7.0])  # median seed: 7 times 4, 3, 2, 1
    assert line(axes, "#000000", "--") == pytest.approx([14.0, 10.5, 7.0, 3.5])


def test_the_band_is_from_the_least_to_the_greatest_seed(frames):
    axes = figures.training_curves(*frames).axes[0]
    band = axes.collections[0].get_paths()[0].vertices
    for epoch, factor in zip(EPOCHS, (4, 3, 2, 1), strict=True):
        heights = band[band[:, 0] == epoch, 1]
        assert (heights.min(), heights.max()) == pytest.approx((6.0 * factor, 9.0 * factor))


def test_a_diverged_run_ends_in_a_cross_outside_median_and_band(frames, texts):
    figure = figures.training_curves(*frames)
    axes = figure.axes[0]
    (cross,) = [drawn for drawn in axes.get_lines() if drawn.get_marker() == "x"]
    assert cross.get_xydata().tolist() == [[LAST_FINITE, 24.0]]
    full = looks(tuple(EXAMPLE))["full_preact"].colour
    assert line(axes, full, "-") == pytest.approx([22.0, 16.5, 11.0, 5.5])  # of 5 and 6, times 4, 3, 2, 1
    assert "full pre-activation (1 of 3 diverged)" in texts(figure)
    assert "original (n = 3)" in texts(figure)
    assert "BN after addition" not in " ".join(texts(figure))  # no run, no line


def test_every_last_epoch_is_inside_a_linear_axis(frames):
    runs, history = frames
    steep = history.assign(**{"test/error": history["test/error"].where(history["epoch"] > 1, 95.0)})
    low, high = figures.training_curves(runs, steep).axes[0].get_ylim()
    assert low == 0
    assert 24.0 < high < 95.0  # the cross of the diverged run is at 24


def test_losses_share_an_axis(frames):
    runs, history = frames
    axes = figures.training_curves(
        runs, history.assign(**{"test/loss": history["test/error"] / 10}), y="test/loss"
    ).axes[0]
    assert axes.get_ylabel() == "loss"
    assert line(axes, "#000000", "--") == pytest.approx([1.4, 1.05, 0.7, 0.35])
    assert line(axes, "#000000", "-") == pytest.approx([2.8, 2.1, 1.4, 0.7])


def test_axes_have_units(frames):
    axes = figures.training_curves(*frames, training=False).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "test error (%)")
    assert figures.training_curves(*frames).axes[0].get_ylabel() == "error (%)"


def test_a_logarithmic_error_axis(frames):
    assert figures.training_curves(*frames, log_y=True).axes[0].get_yscale() == "log"


def test_more_than_six_variants_have_a_panel_each_beside_the_baseline(declared, texts):
    errors = {f"v{i}": {0: 5.0 + i, 1: 7.0 + i, 2: None if i == 6 else 6.0 + i} for i in range(8)}
    runs, history = declared(errors)
    figure = figures.all_figures(runs, history)["training_curves"]
    assert figure.get_size_inches()[0] == 6.9
    assert [axes.get_title() for axes in figure.axes] == [
        *(f"v{i}" for i in range(1, 6)),
        "v6 (1 of 3 diverged)",
        "v7",
        "",  # the legend, where there is room for it
    ]
    for i, axes in enumerate(figure.axes[:-1], start=1):
        assert axes.get_ylim() == figure.axes[0].get_ylim()
        assert line(axes, "#000000", "-") == pytest.approx([24.0, 18.0, 12.0, 6.0])  # the baseline's median, 6
        own = 6.0 + i
        assert line(axes, "#0072B2", "-") == pytest.approx([4 * own, 3 * own, 2 * own, own])
    assert texts(figure) == [
        "v0",
        "the panel's variant",
        "test error, median",
        "training error, median",
        "range over seeds (mostly n = 3)",
        "diverged after this",
    ]


def test_errors_far_apart_stand_on_a_logarithmic_axis(declared):
    near, far = ({"a": {0: 6.0}, "b": {0: 6.0 * factor}} for factor in (4, 6))
    scales = [figures.all_figures(*declared(errors))["training_curves"].axes[0].get_yscale() for errors in (near, far)]
    assert scales == ["linear", "log"]


def test_one_epoch_is_a_point_that_can_be_seen_on_a_whole_numbered_axis(frames):
    runs, history = frames
    axes = figures.training_curves(runs, history[history["epoch"] == 1]).axes[0]
    drawn = [drawn for drawn in axes.get_lines() if len(drawn.get_xdata())]
    marked = {tuple(drawn.get_xydata()[0]) for drawn in drawn if drawn.get_marker() != "None"}
    assert {error for _, error in marked} == {28.0, 14.0, 22.0, 11.0, 32.0}  # medians; the diverged run ends in a cross
    assert marked == {tuple(drawn.get_xydata()[0]) for drawn in drawn}
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1.0]
