"""Decisions by hand, against scipy, and their rate of error over a whole family."""

import math

import numpy as np
import pytest
import scipy.stats

from analysis.stats.decision import Design, decide
from analysis.stats.sequential import levels

GAPS = [1.0, 1.3, 0.9, 1.2, 1.1]


def test_p_and_interval_are_those_of_scipy_at_a_quarter_of_alpha():
    found = decide(GAPS, Design(family=4))
    expected = scipy.stats.ttest_1samp(GAPS, 0)
    interval = expected.confidence_interval(1 - 0.05 / 4)
    assert found.p == pytest.approx(4 * expected.pvalue)
    assert (found.difference.low, found.difference.high) == pytest.approx((interval.low, interval.high))
    assert found.sign == 1
    assert decide([-gap for gap in GAPS], Design(family=4)).sign == -1


@pytest.mark.parametrize("family", [1, 2, 4, 10])
def test_a_sign_is_decided_just_where_the_interval_excludes_0(family):
    rng = np.random.default_rng(family)
    signs = []
    for _ in range(300):
        found = decide(rng.normal(0.8, 1.0, 5), Design(family))
        signs.append(found.sign)
        assert (found.sign != 0) == found.difference.decided == (found.p < 0.05)
    assert 0 < np.count_nonzero(signs) < 300


def test_never_from_two_pairs_nor_without_a_spread():
    assert decide([1.0, 1.0001], Design()).p < 0.05
    assert decide([1.0, 1.0001], Design()).sign == 0
    assert not decide([0.001, 0.0012], Design(), margin=5.0).equivalent
    assert decide([1.0, 1.0001, 1.0002], Design()).sign == 1
    for same in ([1.0] * 5, [0.0] * 5):
        found = decide(same, Design(), margin=2.0)
        assert (found.sign, found.equivalent) == (0, False)
        assert math.isnan(found.p)


def test_equivalent_where_the_interval_of_two_one_sided_tests_is_within_the_margin():
    near = [0.1, -0.2, 0.05, 0.0, 0.1, -0.1]
    interval = scipy.stats.ttest_1samp(near, 0).confidence_interval(1 - 2 * 0.05 / 4)
    edge = max(-interval.low, interval.high)
    assert decide(near, Design(family=4), margin=edge * 1.001).equivalent
    assert not decide(near, Design(family=4), margin=edge * 0.999).equivalent
    assert not decide(near, Design(family=4)).equivalent  # without a margin


def test_seeds_in_rounds_are_decided_by_the_repeated_interval_at_the_last_look():
    looks = (6, 8)
    gaps = [1.0, 1.3, 0.9, 1.2, 1.1, 1.0, 50.0]  # the last counts at the next look only
    found = decide(gaps, Design(family=2, looks=looks))
    half = scipy.stats.t.isf(levels(looks, 0.025)[0] / 2, 5) * np.std(gaps[:6], ddof=1) / math.sqrt(6)
    assert (found.difference.n, found.difference.low) == (6, pytest.approx(np.mean(gaps[:6]) - half))
    assert found.sign == (1 if found.difference.low > 0 else 0)
    assert decide(gaps[:5], Design(looks=looks)).early
    assert decide(gaps[:5], Design(looks=looks)).sign == 0


@pytest.mark.parametrize("true", [0.0, 0.5, 0.6])
def test_false_decisions_of_either_kind_are_at_most_alpha(true):
    """Of one claim at 5 %: a sign without an effect, the wrong sign, or equivalence at or beyond the margin of 0.5."""
    rng, runs, false = np.random.default_rng(3), 4000, 0
    for gaps in rng.normal(true, 1.0, (runs, 12)):
        found = decide(gaps, Design(), margin=0.5)
        false += (found.sign != 0 and found.sign != np.sign(true)) or (found.equivalent and true >= 0.5)
    assert false / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize("family", [1, 4])
@pytest.mark.parametrize("fails", [(), (1,), (1, 4, 6)])
def test_in_rounds_too_a_sign_is_decided_just_where_the_interval_excludes_0(family, fails):
    rng, looks, signs = np.random.default_rng(family), (4, 6, 8), []
    pairs = [n - sum(seed < n for seed in fails) for n in looks]
    for _ in range(200):
        found = decide(rng.normal(1.2, 1.0, 8 - len(fails)).tolist(), Design(family, looks), pairs=pairs)
        signs.append(found.sign)
        assert (found.sign != 0) == found.difference.decided == (found.p < 0.05)
    assert 0 < np.count_nonzero(signs) < 200


def test_one_look_is_the_fixed_design():
    near = [0.1, -0.2, 0.05, 0.0, 0.12, -0.1]
    once, fixed = (decide(near, Design(2, looks), margin=0.2) for looks in ((6,), ()))
    assert once.p == pytest.approx(fixed.p, rel=0.05)
    assert once.equivalence_p == pytest.approx(fixed.equivalence_p, rel=0.05)
    assert (once.sign, once.equivalent) == (fixed.sign, fixed.equivalent)
