"""Parameters and multiply-adds of the nets as others print or count them, from `costs.csv`."""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

CSV = Path(__file__).with_name("costs.csv")
UNITS = {"1": "", "1024": " K", "1e6": " M", "1e9": " G"}


@dataclass(frozen=True)
class Cost:
    """One number for one image: `printed` times `unit`; the digits printed say how far it was rounded.

    kind: "paper", "code" (a reference implementation) or "recount" (from the published layers, without code).
    note: why ours is another number, where it is.
    """

    net: str
    options: str  # "order=full_preact downsample=B"; empty: the defaults
    input: str  # 3x224x224
    quantity: str  # parameters or multiply_adds
    printed: str
    unit: str
    kind: str
    source: str
    confirmed: bool
    note: str

    @property
    def text(self) -> str:
        return f"{int(self.printed):,}" if self.unit == "1" else f"{self.printed}{UNITS[self.unit]}"

    @property
    def _decimals(self) -> int:
        return len(self.printed.partition(".")[2])

    def verdict(self, counted: int) -> str:
        """ "exact", "to its digits" (rounded to nearest), "rounded down", or the gap in percent with its reason."""
        scaled, step = Decimal(counted) / Decimal(self.unit), Decimal(1).scaleb(-self._decimals)
        if scaled == Decimal(self.printed):
            return "exact"
        for name, rounding in (("to its digits", ROUND_HALF_UP), ("rounded down", ROUND_FLOOR)):
            if scaled.quantize(step, rounding) == Decimal(self.printed):
                return name
        gap = float(100 * (scaled / Decimal(self.printed) - 1))
        return f"{gap:+.2g} %: {self.note or 'no reason known'}"


@functools.cache
def load(path: Path = CSV) -> tuple[Cost, ...]:
    """All rows, in the file's order."""
    with path.open(newline="", encoding="utf-8") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    return tuple(Cost(**row | {"confirmed": row["confirmed"] == "yes"}) for row in rows)


def of(net: str, options: dict[str, str], input_shape: str) -> list[Cost]:
    """The numbers for one net with these options, given in any order, on this input."""
    chosen = {f"{key}={value}" for key, value in options.items()}
    return [c for c in load() if c.net == net and set(c.options.split()) == chosen and c.input == input_shape]
