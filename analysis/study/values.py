"""A setting's value: whether it is there, as text to compare by, and as text to read or print."""

from __future__ import annotations

import json
import math
import unicodedata
from numbers import Real
from typing import Any

NONE = "none"  # in a message: the setting is None, or the net has no such option


def present(value: Any) -> bool:
    """Neither None nor the NaN that a frame puts where a run lacks the key."""
    return value is not None and (not isinstance(value, float) or not math.isnan(value))


def brief(value: Any) -> str:
    """A value of any kind and size, in a message."""
    text = printable(readable(value) or repr(value))
    return text if len(text) <= 60 else f"{text[:57]}..."


def is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def comparable(value: Any) -> str:
    """Text that is equal for equal settings: 1 and 1.0, a tuple and a list, None and a missing key."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(comparable, value))}]"
    if not present(value):
        return NONE
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if is_number(value):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return json.dumps(value, default=str)


def readable(value: Any) -> str:
    """A setting's value as a reader would write it; empty where there is none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(readable, value))}]"
    if not isinstance(value, dict) and not present(value):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def printable(text: str, *, lines: bool = False) -> str:
    """`text` without control characters, lone surrogates and marks that reverse the reading direction.

    A terminal would obey an escape sequence, and a table would break at a new line. lines: keep new lines.
    """
    kept = "\n" if lines else ""
    return "".join(
        c if c in kept else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" if _acts(c) else c for c in text
    )


def _acts(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
