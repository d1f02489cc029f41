"""Seconds in words."""

from __future__ import annotations

UNITS = ((60 * 60 * 24 * 365, "years"), (60 * 60 * 24, "days"), (60 * 60, "hours"), (60, "minutes"), (1, "seconds"))


def duration(seconds: float) -> str:
    """Two digits of the largest unit that fits, "about 4.2 hours" without the about."""
    size, unit = next((row for row in UNITS if seconds >= 2 * row[0]), UNITS[-1])
    amount = seconds / size
    return f"{amount:.0f} {unit}" if amount >= 9.5 else f"{amount:.1f} {unit}"
