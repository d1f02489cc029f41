"""One claim of a paper compared with runs: replicates, contradicted, equivalent or undecided; seeds that would do."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.stats

from analysis.stats.decision import ALPHA, FEWEST_PAIRS, Decision, Design, adjusted, decide
from analysis.stats.outcomes import Outcomes, pairs, stages
from analysis.stats.paired import Difference, gaps
from analysis.stats.power import seeds_needed
from analysis.stats.sequential import spent

Word = Literal["replicates", "contradicted", "equivalent", "undecided", "not run"]
ALONE = Design()

__all__ = ["ALPHA", "Judgement", "Outcomes", "Word", "failures_p", "judge"]


@dataclass(frozen=True)
class Judgement:
    """A verdict on "the better one has the lower error".

    decision: of worse - better, so above 0 is the paper's direction. failures_p: p-value of "both fail equally often",
    times the size of the family. seeds: number of pairs that would decide, None where unknown; of: whose difference
    they would show, the paper's or, where it prints none, the one seen here.
    """

    word: Word
    why: str
    decision: Decision
    failures_p: float
    seeds: int | None = None
    of: Literal["paper", "ours"] = "paper"

    @property
    def difference(self) -> Difference:
        return self.decision.difference


def judge(
    better: Outcomes, worse: Outcomes, gap: float = math.nan, design: Design = ALONE, margin: float | None = None
) -> Judgement:
    """Whether these runs show the claim, its reverse, that there is next to no difference, or nothing yet.

    Where no run failed: by the paired differences (`decide`). Otherwise by the numbers of failures if they differ
    beyond chance (Barnard's exact test 1945), or else by the pairs of runs that did not fail; each test gets half of
    alpha where there are pairs. Pairs whose direction contradicts the failures decide nothing: they are survivors.
    gap: the paper's, in percentage points; NaN where it prints none. margin: differences below it do not matter, so
    `equivalent` comes before a sign; None: the paper's gap, and a sign that is shown comes first.
    With seeds in rounds, runs beyond the last look that both variants have reached do not count yet.
    """
    looked = stages(design.looks, [better, worse])
    better, worse = looked[-1] if looked else (better, worse)
    taken = gaps(better.errors, worse.errors)
    fails = better.failed + worse.failed > 0
    split = design.halved() if fails and len(taken) > 1 else design
    decision = decide(taken, split, gap if margin is None else margin, [pairs(both) for both in looked])
    excess = worse.failed * better.runs - better.failed * worse.runs  # sign of the difference of the failure rates
    p = adjusted(_failures_p(looked, design.looks), design.family)
    if not better.runs or not worse.runs:
        return Judgement("not run", "", decision, p)
    if p < split.alpha and min(better.runs, worse.runs) >= FEWEST_PAIRS:
        return Judgement("replicates" if excess > 0 else "contradicted", "by the number of failures", decision, p)
    if len(taken) < 2 and excess:
        counts = f"{worse.failed} of {worse.runs} failures against {better.failed} of {better.runs}"
        return Judgement("undecided", f"{counts} may be chance", decision, p)
    if decision.equivalent and not fails and (margin is not None or not decision.sign):
        return Judgement("equivalent", "", decision, p)
    if not decision.sign:
        mean, std = decision.difference.mean, decision.difference.std
        needed, of = (gap, "paper") if gap > 0 else (abs(mean), "ours")
        seeds = seeds_needed(std, needed, alpha=split.claim_alpha)
        return Judgement("undecided", "", decision, p, None if seeds is None else max(seeds, FEWEST_PAIRS), of)
    if decision.sign * excess < 0:
        return Judgement("undecided", "failed runs are left out of the pairs", decision, p)
    return Judgement("replicates" if decision.sign > 0 else "contradicted", "", decision, p)


@functools.lru_cache(maxsize=4096)
def failures_p(first: int, of_first: int, second: int, of_second: int) -> float:
    """Two-sided p of Barnard's exact test that both fail equally often; NaN where there is nothing to compare."""
    if not of_first or not of_second or first + second in (0, of_first + of_second):
        return math.nan
    counts = [[first, second], [of_first - first, of_second - second]]
    return float(scipy.stats.barnard_exact(counts, alternative="two-sided").pvalue)


def _failures_p(looked: Sequence[Sequence[Outcomes]], looks: tuple[int, ...]) -> float:
    """The smallest p of the looks, each divided by the share of alpha that is spent at it (Bonferroni)."""
    shares = np.diff(spent(looks), prepend=0.0) if looks else [1.0]
    found = [failures_p(a.failed, a.runs, b.failed, b.runs) for a, b in looked]
    tested = [min(1.0, p / share) for p, share in zip(found, shares, strict=False) if not math.isnan(p)]
    return float(min(tested, default=math.nan))
