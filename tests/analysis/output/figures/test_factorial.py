"""Factorials: medians, seeds and failures of each cell, where the factors say they stand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.output import figures
from analysis.output.figures.style import WIDTH_IN

SQUARE = {
    "neither": {0: 13.0, 1: 14.0, 2: 12.0},
    "lrn": {0: 11.0, 1: 12.0, 2: 10.0},
    "dropout": {0: 12.0, 1: 12.5, 2: None},
    "both": {0: None, 1: None, 2: 9.0},
}
SQUARE_LEVELS = [{"net.lrn": lrn, "net.dropout": dropout} for dropout in (0.0, 0.5) for lrn in (False, True)]
DEPTHS = {
    "plain20": {0: 9.0, 1: 9.2, 2: 8.8},
    "residual20": {0: 8.6, 1: 8.8, 2: 8.7},
    "plain56": {0: 12.0, 1: 13.0, 2: 14.0},
    "residual56": {0: 7.0, 1: 7.2, 2: 6.8},
}
DEPTH_LEVELS = [
    {"net.shortcut": shortcut, "net.name": name}
    for name in ("resnet20", "resnet56")
    for shortcut in ("none", "identity")
]


@pytest.fixture
def square(declared):
    return declared(SQUARE, kind="factorial", levels=SQUARE_LEVELS, factors=["net.lrn", "net.dropout"])


@pytest.fixture
def depths(declared):
    return declared(DEPTHS, kind="factorial", levels=DEPTH_LEVELS, factors=["net.shortcut", "net.name"])


def test_a_line_a_level_joins_the_medians_of_its_cells(square, drawn_at, texts):
    figure = figures.interaction(square[0])
    (axes,) = figure.axes
    # dropout is of numbers and stands on the x axis: 0 on the left, 0.5 on the right
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0", "0.5"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("dropout", "test error (%)")
    without, (left, right) = [line.get_xydata().tolist() for line in axes.get_lines() if line.get_label() == "_median"]
    assert without == [[0, 13.0], [1, 12.5]]  # of 12, 12.5 and a failure, which ranks last
    assert left == [0, 11.0]
    assert math.isnan(right[1])  # two of three failed: so did the median
    assert texts(figure)[:2] == ["without LRN", "with LRN"]


def test_each_seed_is_a_mark_and_failures_are_counted_at_the_edge(square, drawn_at):
    (axes,) = figures.interaction(square[0]).axes
    seeds = drawn_at(axes, "_seeds")
    assert sorted(seeds) == [[0, 10], [0, 11], [0, 12], [0, 12], [0, 13], [0, 14], [1, 9], [1, 12], [1, 12.5]]
    assert [text.get_text() for text in axes.texts] == ["× 1/3", "× 2/3"]


def test_learning_rates_stand_on_a_logarithmic_axis(declared):
    levels = [{"net.activation": name, "recipe.learning_rate": rate} for name in "ab" for rate in (0.1, 0.01, 0.001)]
    errors = {f"v{i}": {0: 10.0 + i} for i in range(6)}
    (axes,) = figures.interaction(declared(errors, kind="factorial", levels=levels)[0]).axes
    assert axes.get_xscale() == "log"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.001", "0.01", "0.1"]


def test_the_papers_cells_are_diamonds(declared, drawn_at):
    runs, _ = declared(
        {"original": {0: 6.5}, "full_preact": {0: 6.0}, "a": {0: 5.0}, "b": {0: 5.0}},
        kind="factorial", published="he2016_table2", paper_net="resnet110",
        levels=[{"net.order": order, "data.name": data} for data in ("cifar10", "x") for order in ("original", "full")],
    )  # fmt: skip
    (axes,) = figures.interaction(runs).axes
    assert drawn_at(axes, "_paper") == [[0, 6.61], [1, 6.37]]


def test_degradation_has_a_panel_a_level_and_one_of_last_errors(depths):
    figure = figures.degradation(*depths)
    *left, right = figure.axes
    assert [axes.get_title() for axes in left] == ["plain", "residual"]
    assert figure.get_size_inches()[0] == WIDTH_IN[2]
    assert left[0].get_ylim() == left[1].get_ylim()
    assert (right.get_xlabel(), right.get_xscale()) == ("depth, log scale", "log")
    assert [tick.get_text() for tick in right.get_xticklabels()] == ["20", "56"]


def test_degradation_draws_test_errors_bold_and_training_errors_dashed(depths):
    plain = figures.degradation(*depths).axes[0]
    by_style = {(line.get_linestyle(), len(line.get_xdata())): [] for line in plain.get_lines()}
    for line in plain.get_lines():
        by_style[line.get_linestyle(), len(line.get_xdata())].append(list(line.get_ydata()))
    # the fixture's epochs are 4, 3, 2, 1 times the last; medians 9 at depth 20, 13 at depth 56; training half of them
    assert by_style["-", 4] == [pytest.approx([36.0, 27.0, 18.0, 9.0]), pytest.approx([52.0, 39.0, 26.0, 13.0])]
    assert by_style["--", 4] == [pytest.approx([18.0, 13.5, 9.0, 4.5]), pytest.approx([26.0, 19.5, 13.0, 6.5])]


def test_last_errors_against_depth(depths, drawn_at):
    right = figures.degradation(*depths).axes[-1]
    plain, residual = [[20, 9.0], [56, 13.0]], [[20, 8.7], [56, 7.0]]
    assert np.allclose(drawn_at(right, "_median"), plain + residual)
    assert np.allclose(drawn_at(right, "_training")[:2], [[20, 4.5], [56, 6.5]])


def test_other_kinds_have_neither_figure(frames):
    assert figures.interaction(frames[0]) is None
    assert figures.degradation(*frames) is None
