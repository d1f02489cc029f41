"""Summaries over seeds, differences paired by seed, and adjusted p-values. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats

BOOTSTRAP_FROM, RESAMPLES = 8, 9999  # pairs; fewer have too few distinct resamples
NO_DIFFERENCE = "no difference shown"
NO_SPREAD = 1e-9  # differences this small are rounding; errors are multiples of 100 / test images


@dataclass(frozen=True)
class Summary:
    """median ranks failed runs last; mean and std are over the n runs that did not fail. NaN: there is none."""

    median: float
    mean: float
    std: float
    n: int
    failed: int = 0

    @property
    def fails(self) -> bool:
        """At least half of the runs failed: the median over all of them is a failure."""
        return self.failed > 0 and 2 * self.failed >= self.n + self.failed


@dataclass(frozen=True)
class Difference:
    """Variant minus baseline over n shared seeds: mean, interval at `level`, two-sided p, and the standard deviation
    of the n differences. NaN: there is none."""

    mean: float
    low: float
    high: float
    p: float
    n: int
    level: float = 0.95
    std: float = math.nan

    @property
    def decided(self) -> bool:
        """The interval exists and excludes 0."""
        return self.low > 0 or self.high < 0


def summarise(errors: Sequence[float], failed: int = 0, sign: int = 1) -> Summary:
    """Median over all runs, `failed` ones ranked worst; mean and std = sqrt(sum (e - mean)^2 / (n - 1)) over `errors`.

    errors: last-epoch errors in percent of the runs that did not fail. Ranking failures last keeps the median
    honest: leaving them out would reward a variant for losing its worst runs. std is NaN for n < 2. sign: -1 for values
    of which higher ones are better (`schema.Metric.sign`).
    Raises ValueError for an error that is not finite; such a run counts as failed.
    """
    values = np.asarray(errors, dtype=float)
    if not np.isfinite(values).all():
        raise ValueError("an error is not finite: count that run as failed, do not average it")
    n = len(values)
    ranked = np.sort(np.concatenate([sign * values, np.full(failed, np.inf)]))
    median = sign * float(np.mean(ranked[(len(ranked) - 1) // 2 : len(ranked) // 2 + 1])) if len(ranked) else math.nan
    return Summary(
        median=median if math.isfinite(median) else math.nan,
        mean=float(values.mean()) if n else math.nan,
        std=float(values.std(ddof=1)) if n > 1 else math.nan,
        n=n,
        failed=failed,
    )


def paired_difference(baseline: Mapping[int, float], variant: Mapping[int, float], level: float = 0.95) -> Difference:
    """mean(d) -+ t(level, n - 1) std(d) / sqrt(n), d = variant - baseline over the seeds both have.

    Student's paired t interval and two-sided test (Gosset 1908). With n < 2, or where all differences are equal,
    there is no spread to judge by: interval and p are NaN, and with n = 0 so is the mean.
    """
    return difference_of(gaps(baseline, variant), level)


def gaps(baseline: Mapping[int, float], variant: Mapping[int, float]) -> list[float]:
    """variant - baseline over the seeds both have, in their order."""
    return [variant[seed] - baseline[seed] for seed in sorted(baseline.keys() & variant.keys())]


def difference_of(taken: Sequence[float], level: float = 0.95) -> Difference:
    """`paired_difference` of differences already taken, one per seed: of a contrast over several variants."""
    values = np.asarray(taken, dtype=float)
    n = len(values)
    mean = float(values.mean()) if n else math.nan
    if n < 2 or np.ptp(values) <= NO_SPREAD:
        return Difference(mean, math.nan, math.nan, math.nan, n, level)
    std = float(values.std(ddof=1))
    standard_error = std / math.sqrt(n)
    half = scipy.stats.t.ppf((1 + level) / 2, n - 1) * standard_error
    p = 2 * scipy.stats.t.sf(abs(mean) / standard_error, n - 1)
    return Difference(mean, float(mean - half), float(mean + half), float(p), n, level, std)


def bootstrap_interval(taken: Sequence[float], level: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """BCa bootstrap of the mean over n >= 8 paired differences, at 1 - 2 Phi(-sqrt(n / (n - 1)) t(n - 1)).

    Efron 1987, JASA 82; the level is widened as in Hesterberg 2015, The American Statistician 69, section 5.3, for
    resamples spread too little by sqrt((n - 1) / n) and know no t. Unwidened, BCa and percentile intervals of 8
    normal differences cover 88 % of the time in place of 95; widened 94 %, and under skew more than t does
    (`python -m analysis.stats.calibration`). The same gaps give the same interval. Fewer, or equal, gaps: NaN.
    """
    values = np.sort(np.asarray(taken, dtype=float))
    n = len(values)
    if n < BOOTSTRAP_FROM or np.ptp(values) <= NO_SPREAD:
        return math.nan, math.nan
    t = scipy.stats.t.ppf((1 + level) / 2, n - 1)
    widened = 1 - 2 * scipy.stats.norm.sf(math.sqrt(n / (n - 1)) * t)
    drawn = scipy.stats.bootstrap(
        (values,),
        np.mean,
        confidence_level=widened,
        n_resamples=RESAMPLES,
        method="BCa",
        rng=np.random.default_rng(seed),
    )
    return float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down: p_(i) becomes max over j <= i of min(1, (m - j + 1) p_(j)), sorted ascending from 1.

    Holm 1979, Scandinavian Journal of Statistics 6. A NaN is no test: it stays NaN and is not counted in m.
    """
    tested = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    adjusted = [math.nan] * len(p_values)
    highest = 0.0
    for rank, (p, i) in enumerate(tested):
        highest = max(highest, min(1.0, (len(tested) - rank) * p))
        adjusted[i] = highest
    return adjusted
