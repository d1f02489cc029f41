"""Epochs to a training error: by hand, and against scipy's Kaplan-Meier curve where runs are censored."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from analysis.stats.survival import censored, compare, logrank, median

NEVER = math.inf


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([3, 5, 9], 5),
        ([3, 5, NEVER], 5),
        ([3, NEVER, NEVER], NEVER),
        ([3, 5], 4),
        ([3, NEVER], NEVER),
        ([NEVER], NEVER),
    ],
)
def test_medians_with_runs_that_never_get_there(times, expected):
    assert median(dict(enumerate(times))) == expected


@pytest.mark.parametrize("seed", range(20))
def test_the_median_is_kaplan_meiers(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 5, 7, 9]))
    times = {i: float(t) if t <= 30 else NEVER for i, t in enumerate(rng.integers(1, 45, n))}
    curve = scipy.stats.ecdf(censored(times, 31.0)).sf
    below = curve.quantiles[curve.probabilities <= 0.5]
    expected = float(below[0]) if len(below) and below[0] <= 30 else NEVER
    assert median(times) == expected


def test_six_times_as_long_in_every_pair():
    relu, tanh = {0: 4.0, 1: 6.0, 2: 5.0}, {0: 24.0, 1: 36.0, 2: 30.0}
    ratio = compare(relu, tanh)
    assert (ratio.of_medians, ratio.mean) == (6.0, pytest.approx(6.0))
    assert (ratio.sooner, ratio.later, ratio.pairs, ratio.test) == (0, 3, 3, "paired t of logs")


def test_the_paired_interval_is_that_of_the_logarithms():
    baseline, variant = {0: 4.0, 1: 6.0, 2: 5.0}, {0: 20.0, 1: 45.0, 2: 25.0}
    logs = np.log([5.0, 7.5, 5.0])
    low, high = scipy.stats.t.interval(0.95, 2, logs.mean(), scipy.stats.sem(logs))
    ratio = compare(baseline, variant)
    assert (ratio.low, ratio.high) == pytest.approx((math.exp(low), math.exp(high)))
    assert ratio.p == pytest.approx(scipy.stats.ttest_1samp(logs, 0).pvalue)


def test_with_a_censored_pair_there_is_no_mean_of_survivors_but_a_logrank_test():
    baseline = {0: 4.0, 1: 6.0, 2: 5.0, 3: 5.0}
    ratio = compare(baseline, {0: 20.0, 1: NEVER, 2: 25.0, 3: NEVER})
    assert math.isinf(ratio.of_medians)
    assert math.isnan(ratio.mean)
    assert (ratio.sooner, ratio.later, ratio.test) == (0, 4, "log-rank")
    # by hand: risk sets 8, 7, 5; the four baseline runs are the first to end
    expected = 4 / 8 + 2 * 3 / 7 + 1 * 1 / 5
    variance = 1 * (4 * 4 / 64) * (7 / 7) + 2 * (3 * 4 / 49) * (5 / 6) + 1 * (1 * 4 / 25) * (4 / 4)
    chi_squared = (4 - expected) ** 2 / variance
    assert ratio.p == pytest.approx(scipy.stats.chi2.sf(chi_squared, 1))


def test_nothing_to_compare():
    assert math.isnan(compare({}, {}).of_medians)
    assert math.isnan(compare({0: NEVER, 1: NEVER}, {0: NEVER, 1: NEVER}).of_medians)
    assert math.isnan(logrank({0: NEVER, 1: NEVER}, {0: NEVER, 1: NEVER}))
    assert math.isnan(logrank({0: 3.0}, {0: 4.0}))
