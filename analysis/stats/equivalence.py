"""Is the difference negligible, and how often is one variant better than another?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats

from analysis.stats.paired import NO_SPREAD


def equivalence_p(gaps: Sequence[float], margin: float) -> float:
    """p of two one-sided tests: max(P(T >= (mean + margin) / se), P(T <= (mean - margin) / se)), n - 1 degrees.

    Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15: at 5 % the true mean difference is shown to
    lie within (-margin, margin) when the 90 % interval does. gaps: paired differences, margin in the same unit.
    NaN for fewer than two gaps; without any spread 0 or 1, as the one difference lies within the margin or not.
    """
    if margin <= 0:
        raise ValueError(f"an equivalence margin must be above 0, not {margin}")
    values = np.asarray(gaps, dtype=float)
    n = len(values)
    if n < 2:
        return math.nan
    mean = float(values.mean())
    if np.ptp(values) <= NO_SPREAD:
        return 0.0 if abs(mean) < margin else 1.0
    error = float(values.std(ddof=1)) / math.sqrt(n)
    above, below = scipy.stats.t.sf((mean + margin) / error, n - 1), scipy.stats.t.cdf((mean - margin) / error, n - 1)
    return float(max(above, below))


@dataclass(frozen=True)
class Better:
    """How often the one is better: share of the pairs, and its 95 % interval. NaN: no pair."""

    share: float
    low: float
    high: float
    n: int


def probability_better(gaps: Sequence[float], level: float = 0.95) -> Better:
    """P(gap > 0), ties counting one half, with Wilson's score interval (1927, JASA 22).

    The probability of outperforming of Bouthillier et al. 2021 (MLSys, section 4), who call a variant meaningfully
    better where it is above 0.75. Deviation: they bootstrap its interval, which needs more than the 3 to 30 pairs here.
    """
    values = np.asarray(gaps, dtype=float)
    n = len(values)
    if n == 0:
        return Better(math.nan, math.nan, math.nan, 0)
    tied = np.abs(values) <= NO_SPREAD
    share = float((np.where(tied, 0.5, values > 0)).mean())
    z = scipy.stats.norm.ppf((1 + level) / 2)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return Better(share, max(0.0, centre - half), min(1.0, centre + half), n)


def pair_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Pearson's correlation of the two errors of a seed; the higher, the more pairing helps. NaN below three pairs."""
    if len(first) < 3 or np.ptp(first) <= NO_SPREAD or np.ptp(second) <= NO_SPREAD:
        return math.nan
    return float(np.corrcoef(first, second)[0, 1])
