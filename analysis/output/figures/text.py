"""Texts of figures: labels as they are set in print, and ticks in one notation."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from analysis.output.safe_text import typographic

MOST_TICKS = 6
ROUND = (
    (1, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2, 2.2, 2.5, 2.8, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9),
    (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8),
    (1, 1.5, 2, 3, 5, 7),
    (1, 2, 5),
    (1, 3),
    (1,),
)  # leading digits of the ticks of a logarithmic axis
SYMBOL = re.compile(r"\b([A-Za-z])_([A-Za-z0-9])\b")  # b_g
SET_SYMBOL = re.compile(r"\$[A-Za-z]_\{[A-Za-z0-9]\}\$")
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def typeset(text: str) -> str:
    """b_g as a formula, a minus before a number, a cross in 7x7; anything else as it is."""
    text = typographic(text)
    return SYMBOL.sub(r"$\1_{\2}$", text.replace("$", r"\$")) if SYMBOL.search(text) else text


def wrapped(text: str, width: int = 26) -> str:
    """`text`, typeset, in as few lines of at most `width` characters as possible, all of similar length."""
    text = text.replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
    whole: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
    tries = [textwrap.wrap(text, narrower, **whole) for narrower in range(1, width + 1)]
    return typeset("\n".join(next(lines for lines in tries if len(lines) <= len(tries[-1]))))


def finish(figure: Figure) -> None:
    """Allow formulas in the texts whose only dollar signs are those of `typeset`."""
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        rest = SET_SYMBOL.sub("", text.get_text())
        if rest != text.get_text() and "$" not in rest.replace(r"\$", ""):
            text.set_parse_math(True)


def whole_ticks(axis: Axis, *, whole: bool = True) -> None:
    """Ticks at whole numbers only, at least one; whole=False: at any numbers."""
    axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=whole, min_n_ticks=1))


def log_ticks(axis: Axis, at: Sequence[float] | None = None, unit: tuple[float, str] | None = None) -> None:
    """Few round ticks in one notation on a logarithmic axis: at these places, or within the present limits.

    unit: (1e6, "M") writes 1.5M. Without, all are plain (0.001 to 1000) or all are powers of ten.
    """
    if at is None:
        low, high = sorted(axis.get_view_interval())
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for leading in ROUND:  # ever coarser
            every = [digit * 10.0**power for power in powers for digit in leading]
            at = [place for place in every if low <= place <= high]
            if len(at) <= MOST_TICKS:
                break
    places = list(at or ())
    axis.set_ticks(places, tick_texts(places, unit))
    axis.set_ticks([], minor=True)


def tick_texts(places: Sequence[float], unit: tuple[float, str] | None = None) -> list[str]:
    if unit is not None:
        return [f"{place / unit[0]:g}{unit[1]}" for place in places]
    if all(place * 1.0000001 >= 1e-3 and place < 1e4 for place in places):
        return [f"{place:g}" for place in places]
    parts = [f"{place:.2e}".partition("e") for place in places]
    whole = all(float(digits) == 1 for digits, _, _ in parts)
    powers = [f"10{str(int(power)).translate(SUPERSCRIPTS)}" for _, _, power in parts]
    return [
        power if whole else f"{float(digits):g}×{power}"
        for (digits, _, _), power in zip(parts, powers, strict=True)
    ]  # fmt: skip
