"""The simulation of intervals and verdicts: nominal rates within their own sampling error."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.stats import calibration
from analysis.stats.power import smallest_difference


def within(share: float, rate: float, runs: int) -> bool:
    return abs(share - rate) <= 3.5 * math.sqrt(rate * (1 - rate) / runs)


def test_errors_of_a_seed_go_together_and_are_of_ten_thousand_images():
    errors = calibration.draw(np.random.default_rng(0), {"a": 0.0, "b": 0.5}, 4000)
    a, b = (np.array(list(errors[name].values())) for name in "ab")
    assert np.corrcoef(a, b)[0, 1] == pytest.approx(0.5, abs=0.05)
    assert (b - a).mean() == pytest.approx(0.5, abs=0.01)
    assert np.allclose(a * 100, np.round(a * 100))


@pytest.mark.parametrize("n", [3, 5, 10])
def test_paired_intervals_cover_at_their_rate(n):
    assert within(calibration.coverage(np.random.default_rng(n), n, 400), 0.95, 400)


def test_without_an_effect_a_verdict_errs_once_in_twenty_claims():
    found = calibration.verdicts(np.random.default_rng(1), 5, 150)
    assert within(1 - found["undecided"], 0.05, 600)
    failing = calibration.verdicts(np.random.default_rng(2), 5, 150, fail=0.3)
    assert 1 - failing["undecided"] <= 0.05 + 3.5 * math.sqrt(0.05 * 0.95 / 600)


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_rates_of_many_simulated_ablations(n):
    rng = np.random.default_rng(n)
    runs = 3000
    assert within(calibration.coverage(rng, n, runs), 0.95, runs)
    assert all(within(share, 0.95, runs) for share in calibration.factorial_coverage(rng, n, runs).values())
    none = calibration.verdicts(rng, n, runs)
    assert within(none["replicates"], 0.025, runs)
    assert within(none["contradicted"], 0.025, runs)
    assert none["after Holm"] <= 0.05 + 3.5 * math.sqrt(0.05 * 0.95 / runs)
    for fail in (0.1, 0.3, 0.5):
        wrong = 1 - calibration.verdicts(rng, n, runs, fail=fail)["undecided"]
        assert wrong <= 0.05 + 3.5 * math.sqrt(0.05 * 0.95 / runs)
    gap = smallest_difference(math.sqrt(2) * calibration.OWN, n)
    assert calibration.verdicts(rng, n, runs, gap=gap)["replicates"] == pytest.approx(0.8, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("n", [8, 10, 20])
def test_bootstrap_intervals_cover_nearly_at_their_rate(n):
    share = calibration.bootstrap_coverage(np.random.default_rng(n), n, 2000)
    assert 0.93 - 3.5 * math.sqrt(0.93 * 0.07 / 2000) <= share <= 0.965
