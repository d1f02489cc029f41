"""How each variant looks in every figure: colour and marker together tell it from the others, in grey print too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Okabe and Ito 2008, safe for colour-blind readers; the baseline is black. Their yellow is too pale for lines on paper.
BASELINE = "#000000"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("s", "^", "D", "v", "P", "p", "X")  # one more than colours, so that 42 pairs differ


@dataclass(frozen=True)
class Look:
    """How one variant is drawn everywhere."""

    colour: str
    marker: str


def looks(variants: Sequence[str], baseline: str | None = None) -> dict[str, Look]:
    """One look per variant by its place in the ablation; the baseline (None: the first) is a black circle."""
    others = [name for name in variants if name != (variants[0] if baseline is None else baseline)]
    drawn = {name: Look(COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i, name in enumerate(others)}
    return {name: drawn.get(name, Look(BASELINE, "o")) for name in variants}
