"""Some of the runs, by what their logs say: `--where profile=paper`, `--exclude config.lr=0.1`."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from analysis.logs.fragment import LogsError

# What a user calls them -> the column; every key of the config and the summary is meant by its own name.
FIELDS = {
    "group": "variant",
    "job_type": "profile",
    "project": "ablation",
    "variant": "variant",
    "profile": "profile",
    "ablation": "ablation",
    "name": "name",
    "run_id": "run_id",
    "seed": "seed",
    "outcome": "outcome",
    "tags": "tags",
}


def select(
    runs: pd.DataFrame, history: pd.DataFrame, where: Sequence[str] = (), exclude: Sequence[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The runs for which every condition of `where` holds and none of `exclude`, with their history.

    A condition is KEY=VALUE or KEY!=VALUE; a value may hold * and ?. Raises LogsError for an unknown key and where no
    run is left.
    """
    kept = pd.Series(True, index=runs.index)
    for condition in where:
        kept &= holds(runs, condition)
    for condition in exclude:
        kept &= ~holds(runs, condition)
    if not kept.any():
        said = [f"--where {condition}" for condition in where] + [f"--exclude {condition}" for condition in exclude]
        raise LogsError(f"no run is left of {len(runs)} with {' '.join(said)}")
    chosen = runs[kept].reset_index(drop=True)
    return chosen, history[history["run_id"].isin(chosen["run_id"])].reset_index(drop=True)


def holds(runs: pd.DataFrame, condition: str) -> pd.Series:
    """For each run, whether KEY=VALUE (or KEY!=VALUE) is true of it."""
    key, sign, value = condition.partition("=")
    if not sign or not key.strip("!"):
        raise LogsError(f"{condition!r} is no condition: write KEY=VALUE or KEY!=VALUE, as config.model=resnet")
    column = column_of(runs, key.removesuffix("!").strip())
    found = runs[column].map(lambda cell: any(fnmatch.fnmatchcase(text, value.strip()) for text in texts(cell)))
    return ~found if key.endswith("!") else found


def column_of(runs: pd.DataFrame, key: str) -> str:
    """The column of a field of the runs, or of a key of their config or summary; `config.` may be left out."""
    candidates = [FIELDS.get(key, key), f"config.{key}", f"summary.{key}"]
    for column in candidates:
        if column in runs and (key in FIELDS or column.startswith(("config.", "summary."))):
            return column
    known = [*FIELDS, *(column for column in runs if column.startswith(("config.", "summary.")))]
    raise LogsError(f"no run has {key!r}{near(key, known)}; --describe lists what there is")


def near(word: str, known: Iterable[str]) -> str:
    """ "; did you mean config.model?", or nothing."""
    every = list(known)
    found = difflib.get_close_matches(word, every, 3) or [name for name in every if word and word in name][:3]
    return f"; did you mean {' or '.join(found)}?" if found else ""


def texts(value: Any) -> list[str]:
    """A value as a user would write it, in each way; of a list its items."""
    if isinstance(value, list | tuple):
        return [text for item in value for text in texts(item)]
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return ["none", ""]
    if isinstance(value, float) and value.is_integer():
        return [str(int(value)), str(value)]
    return [str(value), str(value).lower()] if isinstance(value, bool) else [str(value)]
