"""What anyone's logs hold: runs, config keys, metrics with their ranges; so that a mapping can be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from analysis.logs.columns import shown
from analysis.logs.select import texts

MOST_VALUES = 6  # of one key that are listed
MOST_LINES = 60  # of one section
FIELDS = {"ablation": "project", "variant": "group", "profile": "job_type", "outcome": "outcome", "name": "name"}


def describe(runs: pd.DataFrame, history: pd.DataFrame, step: str) -> list[str]:
    """Lines for the terminal: how many runs, what tells them apart, and each logged metric from lowest to highest."""
    stepped = int(history["epoch"].notna().sum())
    hint = "" if stepped else "; use --step _step, or the key that counts your epochs"
    lines = [f"{len(runs)} runs, {len(history)} log calls, {stepped} of them with {step}{hint}"]
    lines += ["", "Runs (a variant or a seed can be read from these):"]
    lines += [f"  {word}: {_values(runs[column])}" for column, word in FIELDS.items()]
    seeds = runs["seed"].dropna()
    lines.append(f"  config.seed: {_values(seeds)}" if len(seeds) else "  config.seed: in no run")
    keys = [column for column in runs if column.startswith("config.")]
    lines += ["", f"Config ({len(keys)} keys; those that differ first):"]
    lines += _cut(list(_settings(runs, keys)))
    lines += ["", "Metrics (key: lowest to highest, last; in how many log calls):"]
    lines += _cut(list(_metrics(history)))
    damage = [line for found in runs["damage"] for line in found]
    return lines + ([f"{len(damage)} damaged places: {damage[0]}"] if damage else [])


def _values(cells: pd.Series) -> str:
    """ "resnet (3), vgg (2) and 4 more"; the number of runs in brackets."""
    counts = Counter(shown(cell) if isinstance(cell, list) else texts(cell)[0] for cell in cells)
    named = [f"{value if len(value) <= 40 else value[:37] + '...'} ({n})" for value, n in counts.items()]
    more = f" and {len(named) - MOST_VALUES} more" if len(named) > MOST_VALUES else ""
    return ", ".join(named[:MOST_VALUES]) + more


def _settings(runs: pd.DataFrame, keys: list[str]) -> Iterator[str]:
    def distinct(key: str) -> int:
        return runs[key].map(lambda cell: shown(cell)).nunique()

    for key in sorted(keys, key=lambda key: (distinct(key) == 1, key)):
        yield f"  {key}: {_values(runs[key])}"


def _metrics(history: pd.DataFrame) -> Iterator[str]:
    for key in history.columns.drop(["run_id", "variant", "seed", "epoch"]):
        logged = history[key].dropna()
        numbers = pd.to_numeric(logged.map(_number))
        finite = numbers[np.isfinite(numbers)]
        if len(finite):
            yield f"  {key}: {finite.min():.6g} to {finite.max():.6g}, last {finite.iloc[-1]:.6g} ({len(logged)} calls)"
        elif len(logged):
            yield f"  {key}: not numbers, such as {shown(logged.iloc[0])} ({len(logged)} calls)"


def _number(value: Any) -> float:
    return float(value) if type(value) in (int, float) and abs(value) < 2**1023 else np.nan


def _cut(lines: list[str]) -> list[str]:
    more = [f"  and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return lines[:MOST_LINES] + more
