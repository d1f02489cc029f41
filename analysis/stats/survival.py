"""How soon runs reach a training error, including runs that never do: Krizhevsky et al. 2012, Figure 1."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.stats

from analysis.stats.paired import NO_SPREAD, Difference, difference_of

Times = Mapping[int, float]  # seed -> epochs, math.inf: never


@dataclass(frozen=True)
class Ratio:
    """How many times as long a variant takes as the baseline: of medians, and paired by seed. NaN where undefined.

    of_medians: inf where only the variant's median run never gets there, 0 where only the baseline's does not.
    mean, low, high: geometric mean over the pairs and its interval, where no run of a pair is censored.
    sooner, later: pairs in which the variant, or the baseline, was first. p: by `test`.
    """

    of_medians: float
    mean: float
    low: float
    high: float
    sooner: int
    later: int
    pairs: int
    p: float
    test: str


def median(times: Times) -> float:
    """Median epochs, inf where at least half of the runs never get there.

    All runs are observed equally long, so this is the Kaplan-Meier median (1958, JASA 53) with nothing to estimate.
    """
    return float(np.median(list(times.values()))) if times else math.nan


def compare(baseline: Times, variant: Times, level: float = 0.95) -> Ratio:
    """The variant's times against the baseline's.

    Where every pair gets there: exp of the paired t interval of log(variant) - log(baseline). With a censored pair
    the mean would be of survivors, so there is none, and p is of the log-rank test (Mantel 1966) over all runs.
    """
    seeds = sorted(baseline.keys() & variant.keys())
    pairs = [(baseline[seed], variant[seed]) for seed in seeds]
    complete = bool(pairs) and all(0 < time < math.inf for pair in pairs for time in pair)
    logs = [math.log(theirs / ours) for ours, theirs in pairs] if complete else []
    paired = difference_of(logs, level) if complete else Difference(math.nan, math.nan, math.nan, math.nan, 0)
    return Ratio(
        of_medians=_ratio(median(variant), median(baseline)),
        mean=math.exp(paired.mean),
        low=math.exp(paired.low),
        high=math.exp(paired.high),
        sooner=sum(theirs < ours for ours, theirs in pairs),
        later=sum(theirs > ours for ours, theirs in pairs),
        pairs=len(pairs),
        p=paired.p if complete else logrank(baseline, variant),
        test="paired t of logs" if complete else "log-rank",
    )


def logrank(first: Times, second: Times) -> float:
    """Two-sided p of the log-rank test, runs that never get there censored after all events; NaN: nothing to test."""
    events = [time for times in (first, second) for time in times.values() if math.isfinite(time)]
    if min(len(first), len(second)) < 2 or not events:
        return math.nan
    end = max(events) + 1
    if np.ptp([min(time, end) for times in (first, second) for time in times.values()]) <= NO_SPREAD:
        return math.nan
    return float(scipy.stats.logrank(*(censored(times, end) for times in (first, second))).pvalue)


def censored(times: Times, end: float) -> scipy.stats.CensoredData:
    """The times as scipy takes them; infinite times are known only to lie beyond `end`."""
    reached = [time for time in times.values() if math.isfinite(time)]
    return scipy.stats.CensoredData(uncensored=reached, right=[end] * (len(times) - len(reached)))


def _ratio(variant: float, baseline: float) -> float:
    return math.nan if math.isinf(variant) and math.isinf(baseline) else variant / baseline
