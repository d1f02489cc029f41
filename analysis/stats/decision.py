"""Whether paired differences decide the sign, show equivalence, or neither: one function for both kinds of study."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.stats.equivalence import equivalence_p
from analysis.stats.paired import NO_DIFFERENCE, NO_SPREAD, Difference, difference_of
from analysis.stats.sequential import sequential_difference, sequential_p

ALPHA = 0.05
FEWEST_PAIRS = 3  # two always lie on a line: their spread says next to nothing


@dataclass(frozen=True)
class Design:
    """How the claims of an ablation are decided, whichever of them are at hand.

    family: the number of claims that the ablation declares. alpha: the probability of any false decision in all of
    them. looks: the numbers of seeds after which seeds added in rounds are looked at (`analysis.rounds`); empty where
    the seeds were fixed beforehand.
    """

    family: int = 1
    looks: tuple[int, ...] = ()
    alpha: float = ALPHA

    @property
    def claim_alpha(self) -> float:
        """What one claim may spend: alpha / family (Bonferroni; Dunn 1961, JASA 56), the same in every subset."""
        return self.alpha / max(1, self.family)

    @property
    def text(self) -> str:
        """What intervals and p-values are adjusted for, in a sentence."""
        *first, last = map(str, self.looks or ("",))
        after = f"{', '.join(first)} and {last}" if first else last
        rounds = f" at every look, after {after} seeds" if self.looks else ""
        if self.family <= 1:
            return f"Interval and p-value are those of one comparison, at 95 %{rounds}."
        return (
            f"Intervals hold for all {self.family} comparisons of the ablation together at 95 %{rounds}, and p is "
            "adjusted for that number, whichever of them are shown."
        )

    def halved(self) -> Design:
        """For a claim that two tests may decide."""
        return replace(self, alpha=self.alpha / 2)


@dataclass(frozen=True)
class Decision:
    """difference: mean, and the interval that holds together with those of the family's other claims, at 1 - alpha; its
    own p. p: min(1, family p); NaN without one. With seeds in rounds all of them hold however often one looks.
    equivalence_p: likewise, of `equivalence_p`. sign: of the true difference, 0 where it is not decided. equivalent:
    the difference is shown to be smaller than the margin. early: fewer seeds than the first look of seeds in rounds.
    """

    difference: Difference
    p: float
    equivalence_p: float = math.nan
    sign: int = 0
    equivalent: bool = False
    early: bool = False


def decide(
    gaps: Sequence[float], design: Design, margin: float = math.nan, pairs: Sequence[int] | None = None
) -> Decision:
    """A sign where the interval excludes 0, equivalence where two one-sided tests show |mean| < margin.

    Each at alpha / family, and never from fewer than FEWEST_PAIRS pairs or from differences without spread. Of both
    together, at most that share is false: a false equivalence and a false sign lie in the same tail. gaps: in the order
    of the seeds. margin: in their unit; NaN: there is none. pairs: with seeds in rounds, how many of the gaps there
    were at each look so far; None: as many as the look has seeds, for no run failed.
    """
    if design.looks:
        pairs = [n for n in design.looks if n <= len(gaps)] if pairs is None else pairs
        if not pairs:
            mean = float(np.mean(gaps)) if len(gaps) else math.nan
            return Decision(Difference(mean, math.nan, math.nan, math.nan, len(gaps)), math.nan, early=True)
        difference = sequential_difference(gaps, pairs, design.looks, design.claim_alpha)
    else:
        pairs = [len(gaps)]
        difference = difference_of(gaps, 1 - design.claim_alpha)
    within = _equivalence_p(gaps, design, margin, pairs)
    p, equivalence = adjusted(difference.p, design.family), adjusted(within, design.family)
    enough = difference.n >= FEWEST_PAIRS
    sign = int(np.sign(difference.mean)) if enough and p < design.alpha else 0
    return Decision(difference, p, equivalence, sign, enough and equivalence < design.alpha)


def adjusted(p: float, family: int) -> float:
    """Bonferroni's min(1, family p); NaN stays NaN."""
    return p if math.isnan(p) else min(1.0, max(1, family) * p)


def reading(found: Decision, without: str, sign: int = 1) -> str:
    """The decision in words; `without`: where there is no pair; sign: -1 where higher is better."""
    difference = found.difference
    if difference.n == 0:
        return without
    if found.early:
        return "too few seeds for the first look"
    if difference.n == 1:
        return "one seed: no interval"
    if math.isnan(difference.low):
        return NO_DIFFERENCE if abs(difference.mean) <= NO_SPREAD else "all differences equal: no interval"
    if found.equivalent:
        return "equivalent"
    if found.sign:
        return "worse" if sign * found.sign > 0 else "better"
    return NO_DIFFERENCE if difference.n >= FEWEST_PAIRS else "two seeds: too few to decide"


def _equivalence_p(gaps: Sequence[float], design: Design, margin: float, pairs: Sequence[int]) -> float:
    """Of one claim, at the only look or the smallest over the looks; NaN without margin or without spread."""
    if not margin > 0:
        return math.nan
    found = [equivalence_p(gaps[:n], margin) if n > 1 and np.ptp(gaps[:n]) > NO_SPREAD else math.nan for n in pairs]
    if design.looks:  # a test of one side spends half of what one of both sides spends
        found = sequential_p([min(1.0, 2 * p) for p in found], design.looks, 2 * design.claim_alpha) / 2
    return float(min((p for p in found if not math.isnan(p)), default=math.nan))
