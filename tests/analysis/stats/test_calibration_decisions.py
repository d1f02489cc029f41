"""Thousands of decisions at once are those of `decide`, and the error rates are what they should be."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.rounds import looks_up_to
from analysis.stats.calibration_decisions import SHAPES, fixed, in_rounds, simulate
from analysis.stats.calibration_table import equal_power, markdown
from analysis.stats.decision import Design, decide
from analysis.stats.power import power

LOOKS = looks_up_to(15)


@pytest.mark.parametrize("margin", [math.nan, 0.8])
def test_arrays_decide_as_the_function_for_one_claim_does(margin):
    rng = np.random.default_rng(0)
    gaps = simulate(rng, "skewness 2 (exponential)", np.array([0.0, 0.8, 2.0]), 30, LOOKS[-1])
    once, grown = fixed(gaps, margin), in_rounds(gaps, LOOKS, margin)
    for i, claim in np.ndindex(30, 3):
        taken = gaps[i, claim].tolist()
        expected = decide(taken, Design(3), margin)
        assert (once.sign[i, claim], once.equivalent[i, claim]) == (expected.sign, expected.equivalent)
        assert once.low[i, claim] == pytest.approx(expected.difference.low)
        for n in LOOKS:
            expected = decide(taken[:n], Design(3, LOOKS), margin)
            if expected.sign or expected.equivalent:
                break
        assert grown.seeds[i, claim] == n
        assert (grown.sign[i, claim], grown.equivalent[i, claim]) == (expected.sign, expected.equivalent)
        assert (grown.low[i, claim], grown.high[i, claim]) == pytest.approx(
            (expected.difference.low, expected.difference.high)
        )
    assert set(grown.seeds.ravel()) >= {4, 15}
    assert grown.sign.any()
    assert grown.equivalent.any() == (margin > 0)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_difference_has_mean_0_and_standard_deviation_1(shape):
    drawn = simulate(np.random.default_rng(1), shape, np.zeros(2), 40_000, 5)
    assert drawn.mean() == pytest.approx(0, abs=0.01)
    assert drawn.std() == pytest.approx(1, abs=0.05)
    shared = np.corrcoef(drawn[:, 0, 0], drawn[:, 1, 0])[0, 1]
    assert shared == pytest.approx(0.5 if "baseline" in shape else 0, abs=0.03)


@pytest.mark.parametrize("claims", [1, 4, 10])
@pytest.mark.parametrize("shape", ["normal, one baseline", "heavy-tailed (t, 3 degrees)"])
def test_in_rounds_as_few_ablations_hold_a_false_decision_as_stated(shape, claims):
    none, runs = np.zeros(claims), 4000
    found = in_rounds(simulate(np.random.default_rng(claims), shape, none, runs, 30), looks_up_to(30))
    limit = 0.05 + 3.5 * math.sqrt(0.05 * 0.95 / runs)
    assert found.false(none) <= limit
    assert 1 - found.covered(none) <= limit
    assert found.false(none) > 0.01  # it is a test of 5 %, not of nothing


def test_false_equivalence_and_intervals_after_stopping():
    at_margin, runs = np.ones(4), 4000
    gaps = simulate(np.random.default_rng(5), "normal, one baseline", at_margin, runs, 30)
    limit = 0.05 + 3.5 * math.sqrt(0.05 * 0.95 / runs)
    assert 0 < in_rounds(gaps, looks_up_to(30), 1.0).false(at_margin, 1.0) <= limit
    assert 1 - in_rounds(gaps, looks_up_to(30)).covered(at_margin) <= limit


def test_large_effects_need_fewer_runs_than_the_seeds_that_show_small_ones():
    effects = np.array([0.0, 0.5, 1.0, 4.0])
    found = in_rounds(simulate(np.random.default_rng(4), "normal, one baseline", effects, 500, 30), looks_up_to(30))
    n = equal_power(effects, found.right(effects))
    assert found.runs < 0.9 * n * 5
    assert found.seeds[:, 3].mean() < 9 < found.seeds[:, 2].mean() < 25 < found.seeds[:, 0].mean()


def test_the_fixed_number_of_seeds_of_equal_power():
    n = equal_power(np.array([1.0, 1.0]), 0.8)
    assert power(1.0, 1.0, n, 0.025) >= 0.8 > power(1.0, 1.0, n - 1, 0.025)


def test_a_table_in_markdown():
    assert markdown([["a", "b"], ["1", "2"]]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |"
