"""Sequential t tests: the levels spend what they should, and looking again costs nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from analysis.rounds import looks_up_to
from analysis.stats.paired import difference_of
from analysis.stats.sequential import GRID, RHO, level_table, levels, sequential_difference, sequential_p

LOOKS = looks_up_to(30)


@pytest.mark.parametrize("alpha", [0.05, 0.0125])
def test_one_look_is_the_ordinary_test(alpha):
    assert levels((10,), alpha) == (alpha,)
    assert sequential_p([0.012], (10,))[0] == pytest.approx(0.012, rel=0.01)


@pytest.mark.parametrize("alpha", [0.05, 0.005])
def test_the_levels_are_met_with_probability_alpha_in_new_draws(alpha):
    """Studies that the levels were not made from: rejections by each look are what the spending function says."""
    rng = np.random.default_rng(7)
    drawn = rng.standard_normal((200_000, LOOKS[-1]))
    met = np.zeros(len(drawn), dtype=bool)
    for n, level in zip(LOOKS, levels(LOOKS, alpha), strict=True):
        t = math.sqrt(n) * drawn[:, :n].mean(1) / drawn[:, :n].std(1, ddof=1)
        met |= 2 * scipy.stats.t.sf(np.abs(t), n - 1) < level
        budget = alpha * (n / LOOKS[-1]) ** RHO
        assert met.mean() == pytest.approx(budget, abs=4 * math.sqrt(budget / len(drawn)))


def test_the_first_look_spends_all_that_it_may_and_a_larger_alpha_never_tests_at_a_lower_level():
    alphas, table = level_table(LOOKS, 0.05 / 7)
    assert table[:, 0] == pytest.approx(alphas * (4 / 30) ** RHO)
    assert np.all(np.diff(table, axis=0) >= 0)
    assert np.all(table <= alphas[:, None])  # no look alone may spend more than all of them
    assert set(alphas) == {*GRID, 0.05 / 7}


@pytest.mark.parametrize("alpha", [0, -0.1, 1.5])
def test_what_is_no_error_rate_is_refused(alpha):
    with pytest.raises(ValueError, match="alpha must be"):
        levels(LOOKS, alpha)


def test_p_values_by_hand():
    at_5 = levels(LOOKS, 0.05)
    assert sequential_p(at_5, LOOKS) == pytest.approx([0.05] * len(LOOKS))
    assert sequential_p([1e-6, math.nan], LOOKS)[0] == pytest.approx(1e-6 / (4 / 30) ** RHO)
    assert math.isnan(sequential_p([0.01, math.nan], LOOKS)[1])
    rising = sequential_p(np.linspace(0, 1, 101)[:, None].repeat(len(LOOKS), 1), LOOKS)
    assert np.all(np.diff(rising, axis=0) >= 0)
    assert rising.max() <= 1


def test_an_interval_by_hand_counts_pairs_up_to_the_last_look_alone():
    gaps = [1.0, 2.0, 3.0, 4.0, 100.0]
    found = sequential_difference(gaps, [4], (4, 8))
    half = scipy.stats.t.isf(levels((4, 8), 0.05)[0] / 2, 3) * np.std(gaps[:4], ddof=1) / 2
    assert (found.n, found.mean) == (4, 2.5)
    assert (found.low, found.high) == pytest.approx((2.5 - half, 2.5 + half))
    assert math.isnan(sequential_difference(gaps, [], (4, 8)).low)


def test_what_an_earlier_look_has_decided_stays_decided_and_a_change_of_sign_undoes_it():
    early = [5.0, 5.1, 4.9, 5.2]
    noisy = [*early, 40.0, -25.0]
    first, later = (sequential_difference(noisy, pairs, (4, 6)) for pairs in ([4], [4, 6]))
    assert difference_of(noisy).p > 0.2
    assert later.p == first.p < 0.05
    assert later.low == first.low > 0
    turned = sequential_difference([*early, -50.0, -60.0], [4, 6], (4, 6))
    assert turned.mean < 0
    assert turned.p > 0.05


def test_a_failed_run_leaves_fewer_pairs_at_a_look():
    gaps = [1.0, 2.0, 3.0, 1.5, 2.5]
    found = sequential_difference(gaps, [3, 5], (4, 6))
    expected = sequential_p([difference_of(gaps[:3]).p, difference_of(gaps).p], (4, 6)).min()
    assert (found.n, found.p) == (5, pytest.approx(expected))
