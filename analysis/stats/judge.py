"""One claim of a paper compared with runs: replicates, contradicted or undecided; how many seeds would decide."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import scipy.stats

from analysis.stats.paired import Difference, paired_difference
from analysis.stats.power import seeds_needed

Word = Literal["replicates", "contradicted", "undecided"]
ALPHA = 0.05


@dataclass(frozen=True)
class Outcomes:
    """What the runs of a variant gave: last-epoch error in percent by seed, and how many other runs failed."""

    errors: Mapping[int, float]
    failed: int = 0

    @property
    def runs(self) -> int:
        return len(self.errors) + self.failed


@dataclass(frozen=True)
class Judgement:
    """A verdict on "the better one has the lower error".

    difference: worse - better, so above 0 is the paper's direction. failures_p: p-value of "both fail equally often".
    seeds: number of pairs that would decide, None where unknown; of: whose difference they would show, the paper's or,
    where it prints none, the one seen here.
    """

    word: Word
    why: str
    difference: Difference
    failures_p: float
    seeds: int | None = None
    of: Literal["paper", "ours"] = "paper"


def judge(better: Outcomes, worse: Outcomes, gap: float = math.nan) -> Judgement:
    """Whether these runs show the claim, its reverse, or neither, at a two-sided 5 % in all.

    Where no run failed: by the 95 % t interval of the paired differences. Otherwise by the numbers of failures if they
    differ beyond chance (Barnard's exact test 1945: 3 of 3 against 0 of 3 do, 2 of 3 do not), or else by the pairs of
    runs that did not fail; each test gets half of the 5 % where there are pairs. Pairs whose direction contradicts
    the failures decide nothing: they are survivors.
    gap: the paper's, in percentage points; NaN where it prints none.
    """
    difference = paired_difference(better.errors, worse.errors)
    excess = worse.failed * better.runs - better.failed * worse.runs  # sign of the difference of the failure rates
    p = failures_p(better.failed, better.runs, worse.failed, worse.runs)
    alpha = ALPHA / 2 if better.failed + worse.failed and difference.n > 1 else ALPHA
    if p < alpha:
        return Judgement("replicates" if excess > 0 else "contradicted", "by the number of failures", difference, p)
    if difference.n < 2 and excess:
        counts = f"{worse.failed} of {worse.runs} failures against {better.failed} of {better.runs}"
        return Judgement("undecided", f"{counts} may be chance", difference, p)
    if not difference.p < alpha:
        needed = gap if gap > 0 else abs(difference.mean)
        of: Literal["paper", "ours"] = "paper" if gap > 0 else "ours"
        return Judgement("undecided", "", difference, p, seeds_needed(difference.std, needed, alpha=alpha), of)
    if difference.mean * excess < 0:
        return Judgement("undecided", "failed runs are left out of the pairs", difference, p)
    return Judgement("replicates" if difference.mean > 0 else "contradicted", "", difference, p)


@functools.lru_cache(maxsize=4096)
def failures_p(first: int, of_first: int, second: int, of_second: int) -> float:
    """Two-sided p of Barnard's exact test that both fail equally often; NaN where there is nothing to compare."""
    if not of_first or not of_second or first + second in (0, of_first + of_second):
        return math.nan
    counts = [[first, second], [of_first - first, of_second - second]]
    return float(scipy.stats.barnard_exact(counts, alternative="two-sided").pvalue)
