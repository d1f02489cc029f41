"""Power against statsmodels, the tables of Cohen's book, and the paired t test on simulated pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.power import TTestPower

from analysis.stats.power import power, seeds_needed, smallest_difference


@pytest.mark.parametrize("n", [2, 3, 5, 10, 40])
@pytest.mark.parametrize("effect", [0.0, 0.05, 0.5, 1.06, 2.0])
def test_power_is_that_of_statsmodels(n, effect):
    assert power(0.2 * effect, 0.2, n) == pytest.approx(TTestPower().power(effect, n, 0.05), abs=1e-7)


def test_power_without_an_effect_is_the_error_rate_and_far_out_it_is_one():
    assert power(0.0, 0.3, 5) == pytest.approx(0.05)
    assert power(20.0, 1.0, 200) == 1.0  # where the noncentral t's lower tail has no number
    assert power(-0.4, 0.3, 5) == power(0.4, 0.3, 5)


def test_power_is_the_share_of_simulated_tests_that_reject():
    gaps = np.random.default_rng(0).normal(0.3, 0.2, (20_000, 5))
    rejected = (scipy.stats.ttest_1samp(gaps, 0, axis=1).pvalue < 0.05).mean()
    assert power(0.3, 0.2, 5) == pytest.approx(rejected, abs=4 * 0.5 / math.sqrt(20_000))


@pytest.mark.parametrize("n", [2, 3, 5, 10, 100])
def test_the_smallest_difference_has_the_power_that_it_is_named_by(n):
    found = smallest_difference(0.2, n)
    assert power(found, 0.2, n) == pytest.approx(0.8)
    assert found / 0.2 == pytest.approx(TTestPower().solve_power(nobs=n, alpha=0.05, power=0.8), rel=1e-5)


@pytest.mark.parametrize("effect", [0.1, 0.33, 0.5, 1.2, 3.0])
def test_so_many_seeds_suffice_and_one_less_does_not(effect):
    n = seeds_needed(0.2, 0.2 * effect)
    assert power(effect, 1.0, n) >= 0.8
    assert n == 2 or power(effect, 1.0, n - 1) < 0.8
    assert n == math.ceil(TTestPower().solve_power(effect_size=effect, alpha=0.05, power=0.8))


def test_half_a_standard_deviation_takes_34_pairs():
    assert seeds_needed(1.0, 0.5) == 34  # G*Power's manual and Cohen 1988: n = 34 for d = 0.5, two-sided 5 %


@pytest.mark.parametrize(("std", "difference"), [(0.2, 0.0), (0.0, 0.2), (math.nan, 0.2), (0.2, math.nan), (1.0, 1e-4)])
def test_what_no_number_of_seeds_decides(std, difference):
    assert seeds_needed(std, difference) is None


def test_without_two_pairs_or_spread_nothing_is_detectable():
    assert all(math.isnan(smallest_difference(std, n)) for std, n in ((0.2, 1), (math.nan, 3), (0.0, 3)))
