"""Statistics against hand-computed cases, scipy, and the coverage an interval promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from analysis.stats.paired import bootstrap_interval, holm, paired_difference, summarise


def test_summary_of_five_by_hand():
    # mean 7; squared deviations 4, 1, 0, 1, 4; 10 / (5 - 1) = 2.5
    summary = summarise([5.0, 6.0, 7.0, 8.0, 9.0])
    assert (summary.median, summary.mean, summary.n) == (7.0, 7.0, 5)
    assert summary.std == pytest.approx(math.sqrt(2.5))


def test_one_run_has_no_spread_and_none_has_no_number():
    one, none = summarise([6.5]), summarise([])
    assert (one.median, one.mean) == (6.5, 6.5)
    assert math.isnan(one.std)
    assert math.isnan(none.median)
    assert math.isnan(none.mean)
    assert none.n == 0
    assert not none.fails


@pytest.mark.parametrize(
    ("errors", "failed", "median", "fails"),
    [
        ([6.0, 7.0, 8.0, 9.0], 1, 8.0, False),  # ranked 6 7 8 9 fail
        ([6.0, 7.0, 8.0], 2, 8.0, False),  # ranked 6 7 8 fail fail
        ([6.0, 7.0], 2, math.nan, True),  # half of four
        ([6.0, 7.0], 3, math.nan, True),
        ([], 3, math.nan, True),
    ],
)
def test_failed_runs_rank_last_in_the_median_and_are_in_no_mean(errors, failed, median, fails):
    summary = summarise(errors, failed)
    assert summary.median == pytest.approx(median, nan_ok=True)
    assert summary.fails is fails
    assert summary.n == len(errors)
    assert summary.mean == pytest.approx(np.mean(errors) if errors else math.nan, nan_ok=True)


@pytest.mark.parametrize("error", [math.nan, math.inf])
def test_an_error_that_is_not_finite_is_refused(error):
    with pytest.raises(ValueError, match="count that run as failed"):
        summarise([6.0, error])


def test_paired_difference_by_hand():
    # differences 1, 2, 3: mean 2, standard error 1 / sqrt(3), t(0.975, 2) = 4.302653
    difference = paired_difference({0: 5.0, 1: 6.0, 2: 7.0}, {0: 6.0, 1: 8.0, 2: 10.0})
    half = 4.302653 / math.sqrt(3)
    assert difference.mean == 2.0
    assert (difference.low, difference.high) == pytest.approx((2 - half, 2 + half), abs=1e-6)
    assert difference.n == 3
    assert not difference.decided


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_paired_difference_is_scipys_paired_t_test(level):
    rng = np.random.default_rng(1)
    baseline, variant = rng.normal(6.6, 0.2, 7), rng.normal(6.3, 0.2, 7)
    ours = paired_difference(dict(enumerate(baseline)), dict(enumerate(variant)), level)
    theirs = scipy.stats.ttest_rel(variant, baseline)
    interval = theirs.confidence_interval(level)
    assert (ours.low, ours.high, ours.p) == pytest.approx((interval.low, interval.high, theirs.pvalue))


def test_only_shared_seeds_are_paired_whatever_their_order():
    difference = paired_difference({2: 7.0, 0: 5.0, 9: 90.0}, {0: 5.5, 2: 8.0, 4: 90.0})
    assert (difference.mean, difference.n) == (0.75, 2)


@pytest.mark.parametrize(
    ("baseline", "variant", "mean", "n"),
    [
        ({}, {0: 6.0}, math.nan, 0),
        ({0: 6.0}, {0: 6.5}, 0.5, 1),
        ({0: 6.1, 1: 7.1}, {0: 6.4, 1: 7.4}, 0.3, 2),  # equal but for rounding: no spread to judge by
    ],
)
def test_without_spread_there_is_no_interval(baseline, variant, mean, n):
    difference = paired_difference(baseline, variant)
    assert difference.mean == pytest.approx(mean, nan_ok=True)
    assert difference.n == n
    assert all(math.isnan(value) for value in (difference.low, difference.high, difference.p))
    assert not difference.decided


def test_the_interval_covers_the_true_difference_as_often_as_it_says():
    rng = np.random.default_rng(0)
    draws = rng.normal(0.3, 0.2, (1500, 3))
    covered = 0
    for gaps in draws:
        difference = paired_difference(dict.fromkeys(range(3), 0.0), dict(enumerate(gaps)))
        covered += difference.low <= 0.3 <= difference.high
    assert covered / len(draws) == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / len(draws)))


def test_holm_by_hand():
    # ascending 0.005, 0.01, 0.03, 0.04: times 4, 3, 2, 1 = 0.02, 0.03, 0.06, 0.04; the last is raised to 0.06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_stops_at_one_and_does_not_count_what_was_not_tested():
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    adjusted = holm([0.02, math.nan, 0.03])
    assert adjusted[0] == pytest.approx(0.04)
    assert math.isnan(adjusted[1])
    assert adjusted[2] == pytest.approx(0.04)
    assert holm([]) == []


def test_paired_difference_and_holm_are_those_of_statsmodels():
    rng = np.random.default_rng(2)
    for n in (2, 3, 5, 20):
        baseline, variant = rng.normal(6.6, 0.2, n), rng.normal(6.3, 0.3, n)
        ours = paired_difference(dict(enumerate(baseline)), dict(enumerate(variant)))
        theirs = DescrStatsW(variant - baseline)
        assert (ours.low, ours.high) == pytest.approx(theirs.tconfint_mean(0.05))
        assert ours.p == pytest.approx(theirs.ttest_mean(0)[1])
        assert ours.std == pytest.approx(theirs.std * math.sqrt(n / (n - 1)))
        p = rng.uniform(0, 0.2, n)
        assert holm(list(p)) == pytest.approx(multipletests(p, method="holm")[1])


def test_a_bootstrap_interval_from_eight_pairs_up_is_always_the_same():
    gaps = np.random.default_rng(3).normal(0.3, 0.2, 9)
    low, high = bootstrap_interval(gaps)
    assert low < gaps.mean() < high
    assert bootstrap_interval(gaps[::-1]) == (low, high)
    assert all(math.isnan(end) for end in (*bootstrap_interval(gaps[:7]), *bootstrap_interval([0.1] * 8)))


def test_the_bootstrap_interval_is_wider_than_the_plain_one_and_near_t():
    gaps = np.random.default_rng(4).normal(0.3, 0.2, 8)
    low, high = bootstrap_interval(gaps)
    plain = scipy.stats.bootstrap((gaps,), np.mean, rng=np.random.default_rng(0)).confidence_interval
    t = paired_difference(dict.fromkeys(range(8), 0.0), dict(enumerate(gaps)))
    assert high - low > 1.1 * (plain.high - plain.low)
    assert high - low == pytest.approx(t.high - t.low, rel=0.25)
