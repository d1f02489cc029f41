"""p-values and intervals of a study that is looked at again and again, as seeds are added in rounds.

At look k, after n_k of at most n_K seeds, an ordinary test has a p-value p_k. The sequential test at level alpha
rejects once p_k < level_k(alpha), where the levels are such that for normal differences of mean 0 the probability of a
rejection at or before look k is alpha (n_k / n_K)^RHO in all: the spending function of Kim & DeMets 1987 (Biometrika
74), for t tests as in Jennison & Turnbull 1991 (Biometrika 78). Under that null the t statistics depend on nothing
unknown, so the levels are taken from DRAWS simulated studies, the same in every process.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
import scipy.stats

from analysis.rounds import looks_up_to
from analysis.stats.paired import Difference, difference_of

__all__ = ["level_table", "levels", "looks_up_to", "sequential_difference", "sequential_p", "spent"]

# Much like O'Brien and Fleming's boundary. Lower values decide large effects a look sooner, but then skewed differences
# give more false decisions than a fixed number of seeds would (results/calibration).
RHO = 3
DRAWS = 1_000_000
GRID = (0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.025, 0.035, 0.05, 0.07, 0.1, 0.15, 0.25, 0.5, 1.0)  # of alpha


def spent(looks: tuple[int, ...]) -> np.ndarray:
    """(n_k / n_K)^RHO: the share of alpha that is spent up to each look."""
    return (np.asarray(looks, dtype=float) / looks[-1]) ** RHO


@functools.lru_cache(maxsize=256)
def levels(looks: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    """level_k(alpha), two-sided. Raises ValueError unless 0 < alpha <= 1."""
    if not 0 < alpha <= 1:
        raise ValueError(f"alpha must be above 0 and at most 1, not {alpha}")
    statistics = _null_statistics(looks)
    alive, stopped, values = np.ones(statistics.shape[1], dtype=bool), 0, []
    for k, budget in enumerate(alpha * spent(looks)):
        left = statistics[k][alive]
        stops = round(budget * len(alive)) - stopped
        limit = -np.partition(-left, stops)[stops] if stops < len(left) else 0.0
        alive &= statistics[k] <= limit
        stopped = len(alive) - int(alive.sum())
        values.append(float(2 * scipy.stats.t.sf(limit, looks[k] - 1)))
    values[0] = alpha * float(spent(looks)[0])  # exactly
    return tuple(values)


@functools.lru_cache(maxsize=64)
def level_table(looks: tuple[int, ...], alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """The alphas of GRID and this one, ascending, and for each its levels, (alphas, looks), which rise with alpha."""
    alphas = sorted({*(float(value) for value in GRID), alpha})
    return np.array(alphas), np.maximum.accumulate([levels(looks, value) for value in alphas])


def sequential_p(p_values: Sequence[float] | np.ndarray, looks: tuple[int, ...], alpha: float = 0.05) -> np.ndarray:
    """For each look the smallest alpha whose level its p-value meets, (..., looks so far); NaN stays NaN.

    The smallest of them over the looks is the p-value of the sequential test, which holds however often one has
    looked (Liu & Anderson 2008, JASA 103). Exact at `alpha` and at those of GRID, between them interpolated in
    logarithms; below them p_k / (share spent at look k) bounds it from above.
    """
    taken = np.asarray(p_values, dtype=float)
    found = np.full(taken.shape, math.nan)
    share = np.diff(spent(looks), prepend=0.0)
    alphas, table = level_table(looks, alpha)
    for k in range(taken.shape[-1]):
        p = np.maximum(taken[..., k], 1e-300)
        inside = np.exp(np.interp(np.log(p), np.log(table[:, k]), np.log(alphas)))
        found[..., k] = np.where(p < table[0, k], np.minimum(alphas[0], p / share[k]), inside)
    return np.where(np.isnan(taken), math.nan, found)


def sequential_difference(
    gaps: Sequence[float], pairs: Sequence[int], looks: tuple[int, ...], alpha: float = 0.05
) -> Difference:
    """The mean at the last look, with an interval and a p-value that hold at every look at once.

    pairs: how many of the gaps, which are in the order of the seeds, there were at each look so far; where runs failed
    they are fewer than the look's seeds. The interval is the intersection over the looks of
    mean -+ t(1 - level_k / 2, pairs - 1) std / sqrt(pairs) (Jennison & Turnbull 1989, JRSS B 51), or the last of them
    where they do not intersect. p: the smallest over the looks whose mean has the sign of the last.
    """
    found = [difference_of(gaps[:n]) for n in pairs]
    if not found:
        return Difference(math.nan, math.nan, math.nan, math.nan, 0, 1 - alpha)
    last = found[-1]
    p = sequential_p([each.p for each in found], looks, alpha)
    agree = [float(of) for of, each in zip(p, found, strict=True) if each.mean * last.mean > 0 and not math.isnan(of)]
    alphas, table = level_table(looks, alpha)
    nominal = table[np.searchsorted(alphas, alpha)]
    tested = [(each, level) for each, level in zip(found, nominal, strict=False) if not math.isnan(each.p)]
    bounds = [(each.mean - half, each.mean + half) for each, level in tested for half in [_half(each, float(level))]]
    low, high = (max(low for low, _ in bounds), min(high for _, high in bounds)) if bounds else (math.nan, math.nan)
    if low > high:
        low, high = bounds[-1]
    return Difference(last.mean, low, high, min(agree, default=math.nan), last.n, 1 - alpha, last.std)


def _half(difference: Difference, level: float) -> float:
    """Half of the interval whose error rate is `level`."""
    return float(scipy.stats.t.isf(level / 2, difference.n - 1)) * difference.std / math.sqrt(difference.n)


@functools.lru_cache(maxsize=4)
def _null_statistics(looks: tuple[int, ...]) -> np.ndarray:
    """|T_k| of DRAWS studies without an effect, (looks, DRAWS); float32, a block of studies at a time."""
    rng = np.random.default_rng(1908)  # Gosset's year; one stream, so that every process has the same levels
    block, n = 20_000, np.array(looks)
    statistics = np.empty((len(looks), DRAWS), dtype=np.float32)
    for start in range(0, DRAWS, block):
        drawn = rng.standard_normal((block, looks[-1]))
        mean, square = np.cumsum(drawn, axis=1)[:, n - 1] / n, np.cumsum(drawn**2, axis=1)[:, n - 1]
        std = np.sqrt((square - n * mean**2) / (n - 1))
        statistics[:, start : start + block] = np.abs(np.sqrt(n) * mean / std).T
    return statistics
