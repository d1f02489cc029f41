"""Krizhevsky et al. 2012, Figure 1: the epoch in which the training error reaches 25 %."""

from __future__ import annotations

import pytest

from analysis.output import figures

RELU = {0: 20.0, 1: 16.0, 2: 12.0}  # training error of the fixture: 2, 1.5, 1, 0.5 times these
TANH = {0: 40.0, 1: 60.0, 2: 70.0}


@pytest.fixture
def two(declared):
    return declared({"relu": RELU, "tanh": TANH}, labels=["ReLU", "tanh"], target_train_error=25.0)


def test_marks_stand_where_the_seeds_reach_the_target(two, drawn_at, texts):
    figure = figures.error_to_target(*two)
    (axes,) = figure.axes
    # ReLU: 40, 30, 20 / 32, 24 / 24: epochs 3, 2, 1. tanh: 80, 60, 40, 20: epoch 4; the others end at 30 and 35
    assert drawn_at(axes, "_seeds") == [[3, 25], [2, 25], [1, 25], [4, 25]]
    assert drawn_at(axes, "_median") == [[2, 25]]
    assert texts(figure) == [
        "ReLU: 25 % in 2 epochs",
        "tanh: does not reach 25 %",
        "target: 25 %",
        "one seed reaches it",
        "range over seeds",
    ]
    assert {error for _, error in drawn_at(axes, "_target")} == {25.0}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "training error (%)")


def test_each_net_is_shown_at_the_learning_rate_that_gets_there_first(declared, texts):
    errors = {
        "relu_a": RELU,
        "relu_b": {0: 11.0, 1: 11.0, 2: 11.0},
        "tanh_a": TANH,
        "tanh_b": {0: 45.0, 1: 46.0, 2: 90.0},
    }
    levels = [
        {"net.activation": name, "recipe.learning_rate": rate} for name in ("relu", "tanh") for rate in (0.1, 0.01)
    ]
    runs, history = declared(errors, kind="factorial", levels=levels, target_train_error=25.0)
    said = texts(figures.error_to_target(runs, history))
    assert "other learning rates" in said
    assert said[:2] == [
        "ReLU, learning rate 0.01: 25 % in 1 epoch",
        "tanh, learning rate 0.01: 25 % in 4 epochs",  # 45 and 46 reach it in the last epoch, 40 is one of three
    ]


def test_no_target_no_figure(frames):
    assert figures.error_to_target(*frames) is None
