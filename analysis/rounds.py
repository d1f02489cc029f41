"""Seeds added in rounds: after how many of them a study is looked at. Training declares it, the analysis reads it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass

LOOKS = (4, 6, 8, 11, 15, 20, 30, 40, 55, 75, 100)  # seeds; about a third more each time
FEWEST, MOST = LOOKS[0], LOOKS[-1]


@dataclass(frozen=True)
class Rounds:
    """looks: the numbers of seeds after which the runs are looked at, ascending; the seeds are 0 to looks[-1] - 1.

    Raises ValueError unless the looks rise from 2 or more.
    """

    looks: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.looks or self.looks[0] < 2 or any(a >= b for a, b in itertools.pairwise(self.looks)):
            raise ValueError(f"looks must rise from 2 seeds or more, not {self.looks}")

    @property
    def most(self) -> int:
        return self.looks[-1]

    def reached(self, ended: Iterable[Collection[int]]) -> tuple[int, ...]:
        """The looks whose seeds have ended in every variant; ended: for each variant its seeds that have."""
        sets = [frozenset(seeds) for seeds in ended]
        common = frozenset.intersection(*sets) if sets else frozenset()
        complete = next((seed for seed in range(self.most) if seed not in common), self.most)
        return tuple(n for n in self.looks if n <= complete)


def looks_up_to(most: int) -> tuple[int, ...]:
    """The looks of a study that may grow to `most` seeds: LOOKS below it, and `most` itself."""
    return (*(n for n in LOOKS if n < most), most)
