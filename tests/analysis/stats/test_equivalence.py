"""Two one-sided tests, the probability of being better, the correlation of pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import ttost_paired

from analysis.stats.equivalence import equivalence_p, pair_correlation, probability_better

GAPS = [0.10, -0.05, 0.02, 0.04, -0.08, 0.01]


@pytest.mark.parametrize("margin", [0.05, 0.1, 0.3])
def test_two_one_sided_tests_equal_statsmodels(margin):
    p, _, _ = ttost_paired(np.array(GAPS), np.zeros(len(GAPS)), -margin, margin)
    assert equivalence_p(GAPS, margin) == pytest.approx(p)


def test_equivalent_at_5_percent_is_the_90_percent_interval_within_the_margin():
    n, mean, error = len(GAPS), np.mean(GAPS), np.std(GAPS, ddof=1) / math.sqrt(len(GAPS))
    half = scipy.stats.t.isf(0.05, n - 1) * error
    edge = max(abs(mean - half), abs(mean + half))
    assert equivalence_p(GAPS, edge) == pytest.approx(0.05)


def test_without_spread_or_pairs():
    assert equivalence_p([0.1, 0.1], 0.2) == 0.0
    assert equivalence_p([0.3, 0.3], 0.2) == 1.0
    assert math.isnan(equivalence_p([0.1], 0.2))
    with pytest.raises(ValueError, match="above 0"):
        equivalence_p(GAPS, 0.0)


def test_probability_of_being_better_counts_a_tie_as_half():
    found = probability_better([1.0, 2.0, -1.0, 0.0])
    assert (found.share, found.n) == (2.5 / 4, 4)
    assert math.isnan(probability_better([]).share)


@pytest.mark.parametrize(("better", "n"), [(0, 5), (3, 5), (8, 8), (20, 30)])
def test_its_interval_is_wilsons_as_statsmodels_has_it(better, n):
    found = probability_better([1.0] * better + [-1.0] * (n - better))
    assert (found.low, found.high) == pytest.approx(proportion_confint(better, n, method="wilson"), abs=1e-12)


def test_correlation_of_pairs():
    assert pair_correlation([1, 2, 3], [2, 4, 6]) == pytest.approx(1.0)
    assert math.isnan(pair_correlation([1, 2], [2, 4]))
    assert math.isnan(pair_correlation([1, 1, 1], [2, 4, 6]))
