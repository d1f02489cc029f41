"""Seeds added in rounds without a price in false decisions: group-sequential t tests and repeated intervals.

After n_1 < n_2 < ... pairs one looks at T_k = sqrt(n_k) mean / std of the paired differences so far and stops once
|T_k| > c_k. The boundary c_1, c_2, ... is such that, for normal differences of mean 0, the probability of a stop at or
before look k is alpha (n_k / n_K)^RHO in all: the spending function of Kim & DeMets 1987 (Biometrika 74), for t
statistics as in Jennison & Turnbull 1991 (Biometrika 78). Under that null the T_k depend on nothing unknown, so the
boundary is taken from DRAWS simulated studies, the same in every process.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from analysis.rounds import looks_up_to

__all__ = ["Repeated", "boundary", "holm_sequential", "looks_up_to", "repeated_interval"]

Claim = TypeVar("Claim")
RHO = 1.5  # between Pocock's (1) and O'Brien and Fleming's (3) way of spending: early looks can decide large effects
DRAWS = 1_000_000


@dataclass(frozen=True)
class Repeated:
    """An interval that holds the true mean difference at every look at once with probability 1 - alpha.

    low > 0 or high < 0 decides the sign; an interval within (-margin, margin) shows equivalence. NaN: no look yet.
    """

    mean: float
    low: float
    high: float
    n: int
    alpha: float

    @property
    def decided(self) -> bool:
        return self.low <= self.high and (self.low > 0 or self.high < 0)

    def equivalent(self, margin: float) -> bool:
        return -margin < self.low <= self.high < margin


@functools.lru_cache(maxsize=64)
def boundary(looks: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    """c_k of |T_k| for each look. Raises ValueError unless looks rise from 2 pairs or more and 0 < alpha < 1."""
    if not looks or looks[0] < 2 or any(a >= b for a, b in itertools.pairwise(looks)):
        raise ValueError(f"looks must rise from 2 pairs or more, not {looks}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be between 0 and 1, not {alpha}")
    statistics = _null_statistics(looks)
    alive = np.ones(len(statistics), dtype=bool)
    values, spent = [], 0.0
    for k, n in enumerate(looks):
        budget = alpha * (n / looks[-1]) ** RHO
        stops = round((budget - spent) * len(statistics))
        ranked = np.sort(statistics[alive, k])[::-1]
        value = float(ranked[stops]) if stops < len(ranked) else 0.0
        alive &= statistics[:, k] <= value
        values.append(value)
        spent = 1 - alive.mean()
    return tuple(values)


@functools.lru_cache(maxsize=4)
def _null_statistics(looks: tuple[int, ...]) -> np.ndarray:
    """|T_k| of DRAWS studies without an effect, (DRAWS, looks); float32, a block of studies at a time."""
    rng = np.random.default_rng(1908)  # Gosset's year; one stream, so that every process has the same boundary
    blocks = []
    for _ in range(0, DRAWS, 50_000):
        drawn = rng.standard_normal((50_000, looks[-1]))
        total, squares = np.cumsum(drawn, axis=1), np.cumsum(drawn**2, axis=1)
        n = np.array(looks)
        mean, square = total[:, n - 1] / n, squares[:, n - 1]
        std = np.sqrt((square - n * mean**2) / (n - 1))
        blocks.append(np.abs(np.sqrt(n) * mean / std).astype(np.float32))
    return np.concatenate(blocks)


def repeated_interval(gaps: Sequence[float], looks: tuple[int, ...], alpha: float) -> Repeated:
    """mean +- c_k std / sqrt(n_k) at the last look that the gaps reach, cut with those of the looks before.

    Every look's interval holds the true mean at once with probability 1 - alpha, hence so does their intersection
    (Jennison & Turnbull 1989, JRSS B 51). Gaps beyond the look do not count until the next one.
    """
    critical = boundary(looks, alpha)
    mean = low = high = math.nan
    seen = 0
    for n, value in zip(looks, critical, strict=True):
        if n > len(gaps):
            break
        taken = np.asarray(gaps[:n], dtype=float)
        mean, half = float(taken.mean()), value * float(taken.std(ddof=1)) / math.sqrt(n)
        low = mean - half if math.isnan(low) else max(low, mean - half)
        high = mean + half if math.isnan(high) else min(high, mean + half)
        seen = n
    return Repeated(mean, low, high, seen, alpha)


def holm_sequential(
    gaps: Mapping[Claim, Sequence[float]],
    looks: tuple[int, ...],
    alpha: float = 0.05,
    margins: Mapping[Claim, float] | None = None,
) -> dict[Claim, Repeated]:
    """Each claim's interval at the level that Holm's step-down gives it: alpha / (claims still open), repeatedly.

    Once a claim is decided, or equivalent within its margin, the rest share alpha. The probability of any false
    decision in the whole family, over all its looks, is at most alpha (Maurer & Bretz 2013, Statistics in
    Biopharmaceutical Research 5). The same gaps give the same answer, however often one has looked.
    """
    margins = margins or {}
    closed: dict[Claim, Repeated] = {}
    while open_claims := [name for name in gaps if name not in closed]:
        level = alpha / len(open_claims)
        found = {name: repeated_interval(gaps[name], looks, level) for name in open_claims}
        new = {n: r for n, r in found.items() if r.decided or r.equivalent(margins.get(n, 0.0))}
        if not new:
            return {name: closed.get(name) or found[name] for name in gaps}
        closed |= new
    return {name: closed[name] for name in gaps}
