"""Seed noise and test-set noise: by hand, on planted worlds, and what each standard error is of."""

import math

import numpy as np
import pytest

from analysis.stats.image_noise import spread, standard_errors


def test_two_runs_of_four_images_by_hand():
    """Errors 50 and 25 %: variance 0.03125; two images differ between the runs, each with variance 0.5: 1 / 16."""
    wrong = np.array([[1, 1, 0, 0], [1, 0, 0, 0]], dtype=bool)
    found = spread(wrong)
    assert found.observed == pytest.approx(100 * math.sqrt(0.03125))
    assert found.finite == pytest.approx(100 * math.sqrt(0.5 / 16))
    assert found.true == pytest.approx(0.0)


def test_runs_that_all_get_the_same_images_wrong_have_no_spread():
    found = spread(np.tile(np.arange(10) < 3, (5, 1)))
    assert (found.observed, found.finite, found.true) == (0, 0, 0)


@pytest.mark.parametrize("planted", [0.0, 0.02])
def test_the_true_variance_is_estimated_without_bias_whatever_the_test_set(planted):
    """Run r gets image i wrong with probability p_i + q_r: the true error of a run has the variance of q."""
    rng, runs, images = np.random.default_rng(0), 6, 400
    estimates, observed = [], []
    for _ in range(800):
        p, q = rng.uniform(0.1, 0.4, images), rng.normal(0, planted, (runs, 1))
        found = spread(rng.random((runs, images)) < p + q)
        observed.append(found.observed**2)
        estimates.append(images / (images - 1) * (found.observed**2 - found.finite**2))
    error = np.std(estimates) / math.sqrt(len(estimates))
    assert np.mean(estimates) == pytest.approx((100 * planted) ** 2, abs=4 * error)
    assert np.mean(observed) > (100 * planted) ** 2 + 10 * error  # what a test set of 400 adds


def test_the_standard_errors_are_those_of_means_over_seeds_and_over_images():
    rng = np.random.default_rng(1)
    first, second = rng.random((5, 60)) < 0.3, rng.random((5, 60)) < 0.4
    found, difference = standard_errors(first, second), second.astype(int) - first
    assert found.mean == pytest.approx(100 * difference.mean())
    assert found.seeds == pytest.approx(100 * difference.mean(1).std(ddof=1) / math.sqrt(5))
    assert found.images == pytest.approx(100 * difference.mean(0).std(ddof=1) / math.sqrt(60))


def test_intervals_over_both_cover_for_new_seeds_and_new_images_where_those_over_seeds_do_not():
    """Planted: standard deviation 0.02 over seeds, 0.2 over images, no difference on average."""
    rng, runs, images, studies = np.random.default_rng(2), 5, 200, 1000
    held = {"seeds": 0, "both": 0}
    for _ in range(studies):
        p, seed = rng.normal(0, 0.2, images).clip(-0.4, 0.4), rng.normal(0, 0.02, (runs, 1))
        found = standard_errors(rng.random((runs, images)) < 0.5, rng.random((runs, images)) < 0.5 + p + seed)
        for name in held:
            held[name] += abs(found.mean) <= 1.96 * getattr(found, name)
    assert 0.94 <= held["both"] / studies <= 0.99
    assert held["seeds"] / studies < 0.88


def test_one_run_has_no_spread():
    one = np.zeros((1, 5), dtype=bool)
    assert math.isnan(spread(one).true)
    assert math.isnan(standard_errors(one, ~one).both)
    assert standard_errors(one, ~one).mean == 100
