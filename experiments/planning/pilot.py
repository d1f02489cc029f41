"""What a pilot under other seeds showed that a profile can decide: the reason for its seeds and epochs."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("pilot.csv")
FIRST_SEED = 1000  # of pilots; profiles run under seeds from 0
MOST_SEEDS = 20


@dataclass(frozen=True)
class Choice:
    """A profile's length and seeds, and what they can be expected to decide.

    comparisons: variants beside the baseline. decided: how many of them are expected to differ with p < 0.05 after
    Holm's correction. smallest: percentage points of the difference that is shown with a power of 0.8, for the median
    comparison. minutes: of CPU time, by the cores. pilot_seeds: what this was estimated from.
    """

    ablation: str
    profile: str
    epochs: float
    seeds: int
    comparisons: int
    decided: float
    smallest: float
    minutes: float
    pilot_seeds: int

    @property
    def text(self) -> str:
        return (
            f"{self.seeds} seeds of {self.epochs:g} epochs: about {self.decided:.1f} of {self.comparisons} differences "
            f"decided, the smallest about {self.smallest:.1f} points; {self.minutes:.1f} minutes"
        )


def choices() -> dict[tuple[str, str], Choice]:
    """By ablation and profile."""
    with TABLE.open(newline="") as file:
        return {(row["ablation"], row["profile"]): _choice(row) for row in csv.DictReader(file)}


def _choice(row: dict[str, str]) -> Choice:
    return Choice(
        ablation=row["ablation"],
        profile=row["profile"],
        epochs=float(row["epochs"]),
        seeds=int(row["seeds"]),
        comparisons=int(row["comparisons"]),
        decided=float(row["decided"]),
        smallest=float(row["smallest"]),
        minutes=float(row["minutes"]),
        pilot_seeds=int(row["pilot_seeds"]),
    )
