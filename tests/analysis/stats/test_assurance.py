"""Expected decisions against the closed form of power and against Holm's own function."""

import math

import numpy as np
import pytest
import scipy.stats

from analysis.stats.assurance import expected_decided, typical_smallest
from analysis.stats.paired import Difference, holm
from analysis.stats.power import power, smallest_difference


def pilot(mean: float, std: float, k: int) -> Difference:
    return Difference(mean, math.nan, math.nan, math.nan, k, std=std)


@pytest.mark.parametrize(("mean", "n"), [(1.0, 4), (1.0, 10), (0.3, 20), (0.0, 8)])
def test_a_pilot_of_very_many_seeds_gives_the_power_of_the_t_test(mean, n):
    """It leaves nothing open; Monte Carlo's standard error is at most 0.008."""
    found = expected_decided([pilot(mean, 1.0, 1_000_000)], n, 0.0)
    assert found == pytest.approx(power(mean, 1.0, n) if mean else 0.05, abs=0.03)


def test_holm_is_applied_to_each_draw():
    """Ten comparisons without a difference decide fewer than 0.05 / 1 on average, as Bonferroni's bound says."""
    assert expected_decided([pilot(0.0, 1.0, 10_000_000)] * 10, 6, 0.0) < 0.08
    assert expected_decided([pilot(50.0, 1.0, 10_000)] * 10, 6, 0.0) == 10


def test_the_step_down_agrees_with_holm():
    rng = np.random.default_rng(1)
    p = rng.uniform(size=(200, 5)) ** 4
    ordered = np.sort(p, axis=1)
    ours = np.logical_and.accumulate(ordered * np.arange(5, 0, -1) < 0.05, axis=1).sum(axis=1)
    assert list(ours) == [sum(adjusted < 0.05 for adjusted in holm(list(row))) for row in p]


def test_what_a_small_pilot_leaves_open_lowers_what_is_promised():
    assert expected_decided([pilot(2.0, 1.0, 4)], 8, 0.0) < power(2.0, 1.0, 8)


def test_equal_differences_count_as_rounding():
    """360 test images: steps of 0.28 points, a std of rounding of 0.08."""
    assert expected_decided([pilot(0.0, math.nan, 6)], 8, 100 / 360) < 0.2
    assert typical_smallest([pilot(0.0, math.nan, 6)], 8, 100 / 360) == pytest.approx(
        smallest_difference(100 / 360 / math.sqrt(12), 8)
    )


def test_bonferronis_level_for_the_smallest_difference():
    both = [pilot(1.0, 2.0, 6)] * 4
    assert power(typical_smallest(both, 9, 0.0), 2.0, 9, alpha=0.05 / 4) == pytest.approx(0.8, abs=1e-6)
    assert scipy.stats.t.isf(0.05 / 8, 8) > scipy.stats.t.isf(0.025, 8)


@pytest.mark.parametrize("n", [0, 1])
def test_one_pair_decides_nothing(n):
    assert expected_decided([pilot(9.0, 1.0, 6)], n, 0.0) == 0
