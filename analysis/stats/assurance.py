"""How many comparisons a study of n seeds can be expected to decide, from a pilot of few seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy.stats

from analysis.stats.paired import Difference
from analysis.stats.power import smallest_difference

DRAWS = 4_000
ALPHA = 0.05


def expected_decided(pilot: Sequence[Difference], n: int, resolution: float, *, seed: int = 0) -> float:
    """E[number of comparisons with p < 0.05 after Holm's correction] in a study of n pairs.

    Assurance (O'Hagan, Stevens & Campbell 2005, Pharmaceutical Statistics 4): power averaged over what a pilot of k
    pairs leaves open. Each of 4,000 draws takes sigma^2 = std^2 (k - 1) / chi^2(k - 1) and mu ~ N(mean, sigma^2 / k),
    the posterior under the flat prior, then the t statistic of n pairs from N(mu, sigma^2). Comparisons are drawn
    independently; that they share a baseline changes the spread of the number, hardly its expectation.
    resolution: the smallest step of a difference, 100 / test images in percentage points; a std below that of rounding
    to it, resolution / sqrt(12), counts as that. Pairs below two decide nothing.
    """
    if n < 2 or not pilot:
        return 0.0
    rng = np.random.default_rng(seed)
    size = (DRAWS, len(pilot))
    k = np.array([difference.n for difference in pilot])
    mean = np.array([difference.mean for difference in pilot])
    sigma = _stds(pilot, resolution) * np.sqrt((k - 1) / rng.chisquare(k - 1, size))
    mu = rng.normal(mean, sigma / np.sqrt(k))
    t = rng.normal(mu, sigma / math.sqrt(n)) / (sigma * np.sqrt(rng.chisquare(n - 1, size) / (n - 1) / n))
    p = np.sort(2 * scipy.stats.t.sf(np.abs(t), n - 1), axis=1)
    passed = p * np.arange(len(pilot), 0, -1) < ALPHA
    return float(np.logical_and.accumulate(passed, axis=1).sum(axis=1).mean())


def typical_smallest(pilot: Sequence[Difference], n: int, resolution: float) -> float:
    """Median over the comparisons of the difference that n pairs show with a power of 0.8 at 0.05 / their number.

    Bonferroni's level is that of Holm's first step, the strictest. In the pilot's unit, percentage points.
    """
    alpha = ALPHA / len(pilot)
    return float(np.median([smallest_difference(std, n, alpha=alpha) for std in _stds(pilot, resolution)]))


def _stds(pilot: Sequence[Difference], resolution: float) -> np.ndarray:
    """A pilot whose differences are all equal has no std (NaN)."""
    return np.fmax([difference.std for difference in pilot], resolution / math.sqrt(12))
