"""Whether the runs that count may share one table: they differ in the factors and the seed, and in nothing else."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from analysis.study.declaration import TableError
from analysis.study.study import GUARDED, Study, run_names, runs_that_ended
from analysis.study.values import NONE, comparable, readable

REMEDY = "keep those of one value with --where {}=VALUE, or give a folder that has no others"
NAMED_RUNS = 3  # a message names this many runs and counts the rest


def check(study: Study) -> None:
    """Raise TableError if the runs that ended differ in anything but the factors and the seed.

    This holds for runs that share variant and seed too: the newest counts only where all of its settings are equal.

    Guarded are the net, the data, the recipe, the threads, the device and compilation; within one variant the factors
    as well, which must also be what the declaration says of that variant. Where nets themselves are compared, an option
    that only some of them have is no difference between those and the others. Nothing is guarded in logs of others,
    whose keys this program does not know; `problems` names what differs there.
    """
    declared = study.declared
    if declared.meaning:
        return
    counted = runs_that_ended(study.runs[study.runs["variant"].isin(declared.labels)], study.metric)
    for column in (column for column in counted if column.startswith(GUARDED)):
        path = column.removeprefix("config.")
        if _plainly_equal(counted[column]):
            continue
        values = counted[column].map(comparable)
        if column == "config.compiled":  # logs from before there was a choice do not have it
            values = values[values != NONE]
        if declared.is_factor(path):
            groups, said = counted["variant"], f"differ in their factor {path}"
        elif path.startswith("net.") and "net.name" in declared.factors and values[values != NONE].nunique() <= 1:
            groups, said = counted["config.net.name"].map(readable), f"differ in {path}, which is not the factor"
        else:
            groups, said = None, f"differ in {path}, which is not the factor"
        if groups is None:
            if values.nunique() > 1:
                raise TableError(f"the runs {said}: {_who(values, counted)}; {REMEDY.format(path)}")
            continue
        for group, in_group in values.groupby(groups):
            if in_group.nunique() > 1:
                raise TableError(f"the runs of {group} {said}: {_who(in_group, counted)}; {REMEDY.format(path)}")
    _check_levels(study)


def _check_levels(study: Study) -> None:
    for variant, levels in study.declared.levels.items():
        mine = study.runs_of(variant)
        for path, level in levels.items():
            path = "net.name" if path == "net" else path
            found = mine[f"config.{path}"].map(comparable) if f"config.{path}" in mine else pd.Series(dtype=object)
            wrong = found[(found != NONE) & (found != comparable(level))]
            if len(wrong):
                raise TableError(f"{variant} is declared with {path} = {comparable(level)}, not {_who(wrong, mine)}")


def _plainly_equal(column: pd.Series) -> bool:
    """All values are one and the same; False where they cannot be hashed, and where they only look alike."""
    try:
        return column.nunique(dropna=False) <= 1
    except TypeError:
        return False


def _who(values: pd.Series, runs: pd.DataFrame) -> str:
    names = run_names(runs)
    return "; ".join(f"{value} in {_some(names[same.index])}" for value, same in values.groupby(values))


def _some(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - NAMED_RUNS} more" if len(every) > NAMED_RUNS else ""
    return ", ".join(every[:NAMED_RUNS]) + more
