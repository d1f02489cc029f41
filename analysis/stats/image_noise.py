"""Spread over seeds apart from the finiteness of the test set, by which runs get which test images wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spread:
    """Standard deviations over runs of the error, in percentage points; NaN below two runs or two images.

    observed: on this test set. finite: what its finiteness alone makes of it. true: on all images of the distribution
    that the test images are drawn from.
    """

    observed: float
    finite: float
    true: float


@dataclass(frozen=True)
class Errors:
    """A mean difference in percentage points and its standard errors: for new seeds and these test images, for new test
    images and these runs, and for both new. NaN below two seeds or two images.
    """

    mean: float
    seeds: float
    images: float
    both: float


def spread(wrong: np.ndarray) -> Spread:
    """true^2 = N / (N - 1) (observed^2 - finite^2), finite^2 = sum over i of Var_r w(r, i) / N^2.

    wrong: (runs R, images N), w(r, i) = 1 where run r gets image i wrong; variances over runs with divisor R - 1.
    Jordan 2023 (arXiv 2304.01910), for test images drawn independently: the expectation over test sets of the
    observed variance is (1 - 1 / N) that of the true error plus the mean variance of w(r, i) over N. The estimate
    is unbiased; below 0, true is 0.
    """
    runs, images = wrong.shape
    if runs < 2 or images < 2:
        return Spread(math.nan, math.nan, math.nan)
    observed = float(wrong.mean(axis=1).var(ddof=1))
    share = wrong.mean(axis=0)
    finite = float((share * (1 - share)).sum()) * runs / (runs - 1) / images**2
    true = max(0.0, images / (images - 1) * (observed - finite))
    return Spread(*(100 * math.sqrt(variance) for variance in (observed, finite, true)))


def standard_errors(baseline: np.ndarray, variant: np.ndarray) -> Errors:
    """Of the mean over seeds r and images i of d(r, i) = variant - baseline, both (seeds R, images N), paired by seed.

    With the mean squares of a two-way analysis of variance, seeds and images both random: seeds^2 = MS_seeds / (R
    N), images^2 = MS_images / (R N), both^2 = (MS_seeds + MS_images - MS_rest) / (R N), which is sigma_seeds^2 / R
    + sigma_images^2 / N + sigma_rest^2 / (R N) (Searle, Casella & McCulloch 1992, Variance Components, chapter 4);
    both is never below the other two, as chance would have it.
    """
    difference = variant.astype(np.float64) - baseline
    runs, images = difference.shape
    mean = 100 * float(difference.mean()) if difference.size else math.nan
    if runs < 2 or images < 2:
        return Errors(mean, math.nan, math.nan, math.nan)
    by_seed, by_image = difference.mean(axis=1), difference.mean(axis=0)
    rest = difference - by_seed[:, None] - by_image[None, :] + difference.mean()
    seeds, over_images = images * by_seed.var(ddof=1), runs * by_image.var(ddof=1)
    both = max(seeds, over_images, seeds + over_images - (rest**2).sum() / ((runs - 1) * (images - 1)))
    return Errors(mean, *(100 * math.sqrt(float(square) / (runs * images)) for square in (seeds, over_images, both)))
