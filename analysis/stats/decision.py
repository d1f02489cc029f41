"""Whether paired differences decide the sign, show equivalence, or neither: one function for both kinds of study."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.stats.equivalence import equivalence_p
from analysis.stats.paired import Difference, difference_of
from analysis.stats.sequential import repeated_interval

ALPHA = 0.05
FEWEST_PAIRS = 3  # two always lie on a line: their spread says next to nothing


@dataclass(frozen=True)
class Design:
    """How the claims of an ablation are decided, whichever of them are at hand.

    family: the number of claims that the ablation declares. alpha: the probability of any false decision in all of
    them. looks: the numbers of pairs at which seeds added in rounds were looked at (`sequential.looks_up_to`); empty
    where the seeds were fixed beforehand.
    """

    family: int = 1
    looks: tuple[int, ...] = ()
    alpha: float = ALPHA

    @property
    def claim_alpha(self) -> float:
        """What one claim may spend: alpha / family (Bonferroni; Dunn 1961, JASA 56), the same in every subset."""
        return self.alpha / max(1, self.family)

    def halved(self) -> Design:
        """For a claim that two tests may decide."""
        return replace(self, alpha=self.alpha / 2)


@dataclass(frozen=True)
class Decision:
    """difference: mean, and the interval that holds together with those of the family's other claims, at 1 - alpha; its
    own p. p: min(1, family p); NaN without one, as with seeds in rounds, where the interval decides.
    equivalence_p: likewise, of `equivalence_p`. sign: of the true difference, 0 where it is not decided. equivalent:
    the difference is shown to be smaller than the margin.
    """

    difference: Difference
    p: float
    equivalence_p: float = math.nan
    sign: int = 0
    equivalent: bool = False


def decide(gaps: Sequence[float], design: Design, margin: float = math.nan) -> Decision:
    """A sign where the interval excludes 0, equivalence where two one-sided tests show |mean| < margin.

    Each at alpha / family, and never from fewer than FEWEST_PAIRS pairs or from differences without spread. Of both
    together, at most that share is false: a false equivalence and a false sign lie in the same tail. gaps: in the order
    of the seeds. margin: in their unit; NaN: there is none.
    """
    if design.looks:
        return _in_rounds(gaps, design, margin)
    difference = difference_of(gaps, 1 - design.claim_alpha)
    within = equivalence_p(gaps, margin) if margin > 0 and not math.isnan(difference.p) else math.nan
    p, equivalence = adjusted(difference.p, design.family), adjusted(within, design.family)
    enough = difference.n >= FEWEST_PAIRS
    sign = int(np.sign(difference.mean)) if enough and p < design.alpha else 0
    return Decision(difference, p, equivalence, sign, enough and equivalence < design.alpha)


def adjusted(p: float, family: int) -> float:
    """Bonferroni's min(1, family p); NaN stays NaN."""
    return p if math.isnan(p) else min(1.0, max(1, family) * p)


def _in_rounds(gaps: Sequence[float], design: Design, margin: float) -> Decision:
    """By the repeated interval, which may be looked at after every round."""
    found = repeated_interval(gaps, design.looks, design.claim_alpha)
    std = float(np.std(gaps[: found.n], ddof=1)) if found.n > 1 else math.nan
    difference = Difference(found.mean, found.low, found.high, math.nan, found.n, 1 - design.claim_alpha, std)
    sign = int(np.sign(found.mean)) if found.decided else 0
    return Decision(difference, math.nan, math.nan, sign, margin > 0 and found.equivalent(margin))
