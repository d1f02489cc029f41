"""Rows by epoch as columns: one array a metric, so that a thousand runs need no thousand frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

Columns = dict[str, np.ndarray]  # equally long; "epoch", of whole numbers, among them
WHOLE, FLOAT, OBJECT = np.dtype("int64"), np.dtype(float), np.dtype(object)


def columns(rows: Sequence[dict[str, Any]]) -> Columns:
    """Log calls in their order; calls without a whole-numbered `epoch` are left out, and W&B's own keys (`_step`).

    A column of numbers with gaps is one of floats: there whole numbers beyond 2**53 are rounded.
    """
    rows = [row for row in rows if _is_whole(row.get("epoch"))]
    keys = dict.fromkeys(key for row in rows for key in row if not key.startswith("_"))
    made = {key: _array([row.get(key, np.nan) for row in rows]) for key in sorted(keys) if key != "epoch"}
    return {"epoch": np.array([int(row["epoch"]) for row in rows], dtype=WHOLE), **made}


def newest(parts: Sequence[Columns]) -> Columns:
    """One row an epoch, in order of the epochs, the last of `parts` that has it winning."""
    whole = parts[0] if len(parts) == 1 else _stacked(parts)
    epochs = whole["epoch"]
    if np.all(epochs[1:] > epochs[:-1]):
        return whole
    last = [row for _, row in sorted({int(epoch): row for row, epoch in enumerate(epochs)}.items())]
    return {key: values[last] for key, values in whole.items()}


def frame(parts: Sequence[Columns], first: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """All rows of `parts` under each other: the columns `first`, of that length, then epoch and the others by name."""
    stacked = _stacked(parts)
    others = {key: _series(stacked.pop(key)) for key in ["epoch", *sorted(stacked.keys() - {"epoch"})]}
    return pd.DataFrame({**(first or {}), **others}, copy=False)


def _stacked(parts: Sequence[Columns]) -> Columns:
    """Every key of any part; NaN in the rows of the parts that lack it."""
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
        gaps = sum(len(values) for _, values in found) < end
        kind = OBJECT if OBJECT in kinds else FLOAT if gaps or FLOAT in kinds else WHOLE
        out[key] = np.full(end, np.nan, dtype=kind) if gaps else np.empty(end, dtype=kind)
        for start, values in found:
            out[key][start : start + len(values)] = values
    return out


def _array(values: list[Any]) -> np.ndarray:
    """int64 of whole numbers, float64 of numbers, else an array of objects."""
    kinds = set(map(type, values))
    try:
        if kinds == {int}:
            return np.array(values, dtype=WHOLE)
        if kinds <= {int, float}:
            return np.array(values, dtype=FLOAT)
    except OverflowError:  # beyond 64 bits
        pass
    made = np.empty(len(values), dtype=OBJECT)
    for i, value in enumerate(values):  # one by one: a value may be a list
        made[i] = value
    return made


def _series(values: np.ndarray) -> pd.Series:
    return pd.Series(values.tolist() if values.dtype == OBJECT else values)


def _is_whole(epoch: Any) -> bool:
    return isinstance(epoch, int | float) and abs(epoch) < 2**63 and float(epoch).is_integer()
