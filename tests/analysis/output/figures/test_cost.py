"""Error against parameters and multiply-adds."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.output import figures

ERRORS = {"k12": {0: 5.0, 1: 6.0, 2: 5.5}, "k24": {0: 4.0, 1: 4.2, 2: 4.1}, "k40": {0: None, 1: None, 2: 3.0}}
PARAMETERS = {"k12": 1_000_000, "k24": 4_000_000, "k40": 16_000_000}
MULTIPLY_ADDS = {"k12": 3e8, "k24": 1e9, "k40": 9e9}


@pytest.fixture
def runs(declared):
    runs, _ = declared(ERRORS)
    costs = {"config.parameters": PARAMETERS, "config.multiply_adds": MULTIPLY_ADDS}
    return runs.assign(**{column: runs["variant"].map(cost) for column, cost in costs.items()})


def test_medians_and_seeds_stand_at_their_cost(runs, drawn_at):
    parameters, multiply_adds = figures.error_against_cost(runs).axes
    assert np.allclose(drawn_at(parameters, "_median"), [[1e6, 5.5], [4e6, 4.1]])
    assert np.allclose(drawn_at(parameters, "_seeds")[:3], [[1e6, 5.0], [1e6, 6.0], [1e6, 5.5]])
    assert np.allclose(drawn_at(multiply_adds, "_median")[1], [1e9, 4.1])
    assert (parameters.get_xscale(), multiply_adds.get_xscale()) == ("log", "log")
    assert parameters.get_ylim() == multiply_adds.get_ylim()


def test_the_baselines_median_is_a_line(runs, drawn_at):
    for axes in figures.error_against_cost(runs).axes:
        assert {error for _, error in drawn_at(axes, "_baseline")} == {5.5}


def test_a_median_that_fails_is_crossed_out_at_the_upper_edge(runs, drawn_at):
    axes = figures.error_against_cost(runs).axes[0]
    assert max(cost for cost, _ in drawn_at(axes, "_median")) < 5e6
    assert drawn_at(axes, "_failed") == [[16e6, 1]]
    assert np.allclose(drawn_at(axes, "_seeds")[-1], [16e6, 3.0])


def test_only_costs_that_vary_have_an_axis(runs, declared):
    one = figures.error_against_cost(runs.assign(**{"config.parameters": 4_233_000}))
    assert [axes.get_xlabel() for axes in one.axes] == ["multiply-adds for one image, log scale"]
    assert figures.error_against_cost(declared(ERRORS)[0]) is None  # the fixture's nets cost the same
