"""Group-sequential t tests: the boundary spends what it should, and looking again costs nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from analysis.rounds import looks_up_to
from analysis.stats.calibration_sequential import fixed, sequential
from analysis.stats.sequential import RHO, boundary, holm_sequential, repeated_interval

LOOKS = looks_up_to(30)


@pytest.mark.parametrize("alpha", [0.05, 0.0125])
def test_one_look_is_the_t_test(alpha):
    assert boundary((10,), alpha)[0] == pytest.approx(scipy.stats.t.isf(alpha / 2, 9), rel=0.01)


def test_the_first_look_is_the_t_test_at_what_it_may_spend():
    first = 0.05 * (LOOKS[0] / LOOKS[-1]) ** RHO
    assert boundary(LOOKS, 0.05)[0] == pytest.approx(scipy.stats.t.isf(first / 2, LOOKS[0] - 1), rel=0.03)


@pytest.mark.parametrize("alpha", [0.05, 0.005])
def test_the_boundary_is_crossed_with_probability_alpha_in_new_draws(alpha):
    """Studies that the boundary was not made from: the crossings by each look are what the spending function says."""
    rng = np.random.default_rng(7)
    drawn = rng.standard_normal((200_000, LOOKS[-1]))
    crossed = np.zeros(len(drawn), dtype=bool)
    for n, value in zip(LOOKS, boundary(LOOKS, alpha), strict=True):
        t = math.sqrt(n) * drawn[:, :n].mean(1) / drawn[:, :n].std(1, ddof=1)
        crossed |= np.abs(t) > value
        budget = alpha * (n / LOOKS[-1]) ** RHO
        assert crossed.mean() == pytest.approx(budget, abs=4 * math.sqrt(budget / len(drawn)))


@pytest.mark.parametrize(("looks", "alpha"), [((), 0.05), ((1, 3), 0.05), ((4, 4), 0.05), ((4, 8), 0.0), ((4,), 1.5)])
def test_what_is_no_plan_of_looks_is_refused(looks, alpha):
    with pytest.raises(ValueError, match="must"):
        boundary(looks, alpha)


def test_an_interval_by_hand_counts_pairs_up_to_the_last_look_alone():
    gaps = [1.0, 2.0, 3.0, 4.0, 100.0]
    found = repeated_interval(gaps, (4, 8), 0.05)
    half = boundary((4, 8), 0.05)[0] * np.std(gaps[:4], ddof=1) / 2
    assert (found.n, found.mean) == (4, 2.5)
    assert (found.low, found.high) == pytest.approx((2.5 - half, 2.5 + half))
    assert math.isnan(repeated_interval(gaps[:3], (4, 8), 0.05).low)


def test_holm_gives_the_rest_what_a_decided_claim_leaves():
    rng = np.random.default_rng(1)
    gaps = {"large": list(20 + rng.standard_normal(8)), "none": list(rng.standard_normal(8))}
    found = holm_sequential(gaps, LOOKS)
    assert (found["large"].decided, found["large"].alpha) == (True, 0.025)
    assert (found["none"].decided, found["none"].alpha) == (False, 0.05)


def test_a_small_difference_is_equivalent_within_a_margin_that_holds_its_interval():
    gaps = {"a": list(0.01 * np.random.default_rng(2).standard_normal(30))}
    found = holm_sequential(gaps, LOOKS, margins={"a": 0.1})["a"]
    assert found.equivalent(0.1)
    assert not found.decided
    assert not found.equivalent(abs(found.high) / 2)


@pytest.mark.parametrize("shape", ["normal", "skewed", "heavy-tailed"])
def test_no_more_false_decisions_than_stated_in_a_family_of_four(shape):
    """600 ablations of four claims without an effect: at most 5 % and four standard errors."""
    rates = sequential(np.random.default_rng(3), shape, 4, 0.0, 600)
    assert rates.false <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 600)


def test_large_effects_need_fewer_runs_than_the_fixed_design_that_could_show_small_ones():
    rng = np.random.default_rng(4)
    rates = sequential(rng, "normal", 4, 2.0, 100)
    assert rates.decided > 0.99
    assert rates.runs < 0.5 * fixed(rng, "normal", 4, 2.0, 10, 30).runs
