"""Log calls as columns: one array per key, so that a thousand runs need no thousand frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

# Equally long; "epoch" is among them. A gap is NaN in a column of floats and GAP in a column of objects; a column with
# a logged NaN is one of objects, so that it is no gap.
Columns = dict[str, np.ndarray]
WHOLE, FLOAT, OBJECT = np.dtype("int64"), np.dtype(float), np.dtype(object)
NO_EPOCH = 2**63 - 1  # of a log call that names none; such calls come last
NUMBERS = ("test/", "train/", "time/", "optim/", "signal/")  # what the bench logs under these keys are numbers
RESERVED = ("run_id", "variant", "seed", "epoch")  # columns of `frame`; a metric of that name becomes "metric.seed"


def columns(rows: Sequence[dict[str, Any]], step: str = "epoch", damage: list[str] | None = None) -> Columns:
    """Log calls in their order, without W&B's own keys (`_step`). `step`: the key that is taken as the epoch.

    A column of numbers with gaps is one of floats: there whole numbers beyond 2**53 are rounded. A value under one of
    `NUMBERS` that is no number is left out and named in `damage`.
    """
    rows = [row for row in rows if step in row or any(not key.startswith("_") for key in row)]
    keys = dict.fromkeys(key for row in rows for key in row if not key.startswith("_") and key != step)
    made: Columns = {"epoch": np.array([_whole(row.get(step)) for row in rows], dtype=WHOLE)}
    for key in sorted(keys):
        name = f"metric.{key}" if key in RESERVED else key
        made[name] = _array([row.get(key, GAP) for row in rows], key, damage)
    return made


def newest(parts: Sequence[Columns]) -> Columns:
    """One row per epoch, in order: of each key the last value that one of `parts` has; then the calls without epoch."""
    whole = parts[0] if len(parts) == 1 else _stacked(parts)
    epochs = whole["epoch"]
    if np.all(epochs[1:] > epochs[:-1]):
        return whole
    order = np.argsort(epochs, kind="stable")
    ordered = epochs[order]
    first = np.flatnonzero(np.r_[True, (ordered[1:] != ordered[:-1]) | (ordered[1:] == NO_EPOCH)])
    out: Columns = {}
    for key, values in whole.items():
        logged = np.where(_gaps(values)[order], -1, np.arange(len(order)))
        last = np.maximum.reduceat(logged, first)
        out[key] = values[order[np.where(last < 0, first, last)]]
    return out


def frame(parts: Sequence[Columns], first: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """All rows of `parts` under each other: the columns `first`, of that length, then epoch and the others by name.

    The epoch of a call without one is <NA>.
    """
    stacked = _stacked(parts)
    epoch: Any = stacked.pop("epoch")
    if (lost := epoch == NO_EPOCH).any():
        epoch = pd.arrays.IntegerArray(epoch, lost)
    others = {key: _series(stacked[key]) for key in sorted(stacked)}
    return pd.DataFrame({**(first or {}), "epoch": epoch, **others}, copy=False)


def as_number(value: Any) -> float | int | None:
    """The value if it is a number that a float can hold, else None."""
    if type(value) is float or (type(value) is int and abs(value) < 2**1023):
        return value
    return None


class _Gap:
    """A key that the log call does not have."""


GAP = _Gap()


def _stacked(parts: Sequence[Columns]) -> Columns:
    """Every key of any part; gaps in the rows of the parts that lack it."""
    where: dict[str, list[tuple[int, np.ndarray]]] = {"epoch": []}
    end = 0
    for part in parts:
        if len(part["epoch"]):
            for key, values in part.items():
                where.setdefault(key, []).append((end, values))
            end += len(part["epoch"])
    out: Columns = {}
    for key, found in where.items():
        kinds = {values.dtype for _, values in found}
        lacking = sum(len(values) for _, values in found) < end
        kind = OBJECT if OBJECT in kinds else FLOAT if lacking or FLOAT in kinds else WHOLE
        out[key] = np.full(end, GAP if kind == OBJECT else np.nan, dtype=kind) if lacking else np.empty(end, dtype=kind)
        for start, values in found:
            if kind == OBJECT and values.dtype == FLOAT:
                values = np.array([GAP if value != value else value for value in values.tolist()], dtype=OBJECT)
            out[key][start : start + len(values)] = values
    return out


def _gaps(values: np.ndarray) -> np.ndarray:
    if values.dtype == OBJECT:
        return np.array([value is GAP for value in values], dtype=bool)
    return np.isnan(values) if values.dtype == FLOAT else np.zeros(len(values), dtype=bool)


def _array(values: list[Any], key: str, damage: list[str] | None) -> np.ndarray:
    """int64 of whole numbers, float64 of numbers, else an array of objects."""
    kinds = set(map(type, values))
    if key.startswith(NUMBERS) and not kinds <= {int, float, _Gap}:
        values = _numbers(values, key, damage)
        kinds = set(map(type, values))
    try:
        if kinds == {int}:
            return np.array(values, dtype=WHOLE)
        if kinds <= {int, float, _Gap}:
            made = np.array([np.nan if value is GAP else value for value in values], dtype=FLOAT)
            if np.isnan(made).sum() == sum(value is GAP for value in values):
                return made
    except OverflowError:  # beyond 64 bits, or beyond a float
        if key.startswith(NUMBERS):
            return _array(_numbers([v if v is GAP else float_or(v) for v in values], key, damage), key, damage)
    made = np.empty(len(values), dtype=OBJECT)
    for i, value in enumerate(values):  # one by one: a value may be a list
        made[i] = value
    return made


def float_or(value: Any) -> Any:
    """A whole number as a float if one can hold it."""
    return float(value) if as_number(value) is not None else value


def _numbers(values: list[Any], key: str, damage: list[str] | None) -> list[Any]:
    """Gaps in place of what is no number."""
    kept = [value if value is GAP or as_number(value) is not None else GAP for value in values]
    wrong = [value for value, other in zip(values, kept, strict=True) if other is not value and value is not None]
    if wrong and damage is not None:
        damage.append(f"{len(wrong)} values of {key} are not numbers, the first is {shown(wrong[0])}")
    return kept


def shown(value: Any) -> str:
    """A value of any kind and size, in a message."""
    try:
        text = repr(value)
    except ValueError:  # a whole number of more than 4300 digits
        text = f"a number of {value.bit_length()} bits"
    return text if len(text) <= 40 else f"{text[:37]}..."


def _series(values: np.ndarray) -> pd.Series:
    if values.dtype != OBJECT:
        return pd.Series(values)
    return pd.Series([np.nan if value is GAP else value for value in values.tolist()])


def _whole(epoch: Any) -> int:
    """The epoch as a whole number, NO_EPOCH for any other value."""
    if type(epoch) is int or (type(epoch) is float and epoch.is_integer()):
        return int(epoch) if abs(epoch) < NO_EPOCH else NO_EPOCH
    return NO_EPOCH
