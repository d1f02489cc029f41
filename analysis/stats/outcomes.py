"""What the runs of a variant gave, failed ones among them, and how many pairs there were at each look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.rounds import Rounds


@dataclass(frozen=True)
class Outcomes:
    """Last-epoch error in percent by seed, and the seeds of the runs that failed."""

    errors: Mapping[int, float]
    failures: frozenset[int] = frozenset()

    @property
    def failed(self) -> int:
        return len(self.failures)

    @property
    def runs(self) -> int:
        return len(self.errors) + self.failed

    @property
    def ended(self) -> frozenset[int]:
        return self.failures | self.errors.keys()

    def below(self, seeds: int) -> Outcomes:
        """Of the seeds 0 to `seeds` - 1 alone."""
        kept = {seed: error for seed, error in self.errors.items() if seed < seeds}
        return Outcomes(kept, frozenset(seed for seed in self.failures if seed < seeds))


def stages(looks: tuple[int, ...], taking_part: Sequence[Outcomes]) -> list[list[Outcomes]]:
    """For each look that all of them have reached, their outcomes up to it; without looks, all there is, once."""
    if not looks:
        return [list(taking_part)]
    reached = Rounds(looks).reached([each.ended for each in taking_part])
    return [[each.below(n) for each in taking_part] for n in reached]


def pairs(taking_part: Sequence[Outcomes]) -> int:
    """The number of seeds at which none of them failed or is missing."""
    return len(frozenset.intersection(*(frozenset(each.errors) for each in taking_part)))
