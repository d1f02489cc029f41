"""Whether the runs of an ablation may stand in one table: what they declare, what differs, what is missing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

GUARDED = ("config.net.", "config.data.", "config.recipe.", "config.threads", "config.device")
COMPARED = ("finished", "diverged")
ERROR = "summary.test/error"
NAMED_RUNS = 3  # a message names so many runs, then counts


class TableError(ValueError):
    """Runs that cannot stand in one table; one line says what differs, and where."""


@dataclass(frozen=True)
class Declaration:
    """What the runs' own configs say of their ablation. labels: variant -> the row's label, in table order."""

    name: str
    question: str
    factors: tuple[str, ...]
    baseline: str
    labels: Mapping[str, str]
    published: str | None
    paper_net: str | None
    failure_error: float | None

    @property
    def variants(self) -> tuple[str, ...]:
        return tuple(self.labels)


def declaration(runs: pd.DataFrame) -> Declaration:
    """The declaration in the newest run; a variant that only older runs have comes last, under its own name.

    Raises TableError where no run has one, or where the runs belong to several ablations or profiles.
    """
    for column, kind in (("ablation", "ablations"), ("profile", "profiles")):
        found = sorted({str(value) for value in runs[column] if value})
        if len(found) > 1:
            raise TableError(f"runs of {len(found)} {kind} cannot stand in one table: {', '.join(found)}; choose one")
    declared = runs[runs["config.ablation.variants"].map(_present)] if "config.ablation.variants" in runs else runs[:0]
    if declared.empty:
        raise TableError("no run's config says which ablation it belongs to; give runs that run_ablation.py trained")
    newest = declared.sort_values("started", na_position="first", kind="stable").iloc[-1]

    def value(key: str) -> Any:
        found = newest.get(f"config.ablation.{key}")
        return found if _present(found) else None

    labels = dict(zip(value("variants"), value("labels") or value("variants"), strict=True))
    labels |= {name: name for name in runs["variant"] if name and name not in labels}
    return Declaration(
        name=value("name"),
        question=value("question") or "",
        factors=tuple(value("factors")),
        baseline=value("baseline"),
        labels=labels,
        published=value("published"),
        paper_net=value("paper_net"),
        failure_error=value("failure_error"),
    )


def compared(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs that count: finished or diverged, with a seed and, if finished, a test error; the newest of doubles."""
    done = runs[runs["outcome"].isin(COMPARED) & runs["seed"].notna()]
    done = done[(done["outcome"] == "diverged") | done.get(ERROR, pd.Series(index=done.index)).notna()]
    newest_last = done.sort_values("started", na_position="first", kind="stable")
    return newest_last.drop_duplicates(["variant", "seed"], keep="last").sort_index()


def failed(runs: pd.DataFrame, failure_error: float | None) -> pd.Series:
    """True for a run that diverged or ended above the failure line (None: there is no line)."""
    line = math.inf if failure_error is None else failure_error
    errors = pd.to_numeric(runs[ERROR]) if ERROR in runs else pd.Series(math.nan, index=runs.index)
    return (runs["outcome"] == "diverged") | (errors > line)


def check(runs: pd.DataFrame) -> None:
    """Raise TableError if the runs that count differ in anything but the factor and the seed.

    Guarded are the net, the data, the recipe, the threads and the device; within one variant the factor as well.
    """
    factors = {f"config.{path}" for path in declaration(runs).factors}
    counted = compared(runs)
    for column in (column for column in counted if column.startswith(GUARDED)):
        path = column.removeprefix("config.")
        values = counted[column].map(_canonical)
        if not any(column == factor or column.startswith(f"{factor}.") for factor in factors):
            if values.nunique() > 1:
                raise TableError(f"the runs differ in {path}, which is not the factor: {_who(values, counted)}")
            continue
        for variant, of_variant in values.groupby(counted["variant"]):
            if of_variant.nunique() > 1:
                raise TableError(f"the runs of {variant} differ in their factor {path}: {_who(of_variant, counted)}")


def problems(runs: pd.DataFrame) -> list[str]:
    """One line for everything that is not as a complete ablation would have it; nothing is hidden."""
    declared, counted = declaration(runs), compared(runs)
    lines = [
        f"{_name(run)}: {run['outcome']}, not counted ({run['source']})"
        for _, run in runs.iterrows()
        if run["outcome"] not in COMPARED
    ]
    lines += [f"{_name(run)}: {damage}" for _, run in runs.iterrows() for damage in run["damage"]]
    ended = runs[runs["outcome"].isin(COMPARED)]
    for (variant, seed), same in ended.groupby(["variant", "seed"], sort=False):
        if len(same) > 1:
            ids = ", ".join(same["run_id"])
            lines.append(f"{variant}: seed {seed} was run {len(same)} times ({ids}); the newest counts")
    finished = ended[ended["outcome"] == "finished"]
    for _, run in finished.iterrows():
        if not _present(run.get(ERROR)):
            lines.append(f"{_name(run)}: finished without a test error in its log, not counted")
        if run["epochs"] < finished["epochs"].max():
            lines.append(f"{_name(run)}: its log holds {run['epochs']} of {finished['epochs'].max()} epochs")
    lines += [f"{_name(run)}: its log holds no seed, not counted" for _, run in ended[ended["seed"].isna()].iterrows()]
    seeds = set(counted["seed"])
    for variant in declared.variants:
        has = set(counted.loc[counted["variant"] == variant, "seed"])
        if not has:
            lines.append(f"{variant}: no run")
        elif missing := sorted(seeds - has):
            lines.append(f"{variant}: lacks seed{'s' * (len(missing) > 1)} {', '.join(map(str, missing))}")
    return lines


def _present(value: Any) -> bool:
    return value is not None and (not isinstance(value, float) or not math.isnan(value))


def _canonical(value: Any) -> str:
    """Text that is equal for equal settings: 1 and 1.0, a tuple and a list, None and a missing key."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_canonical, value))}]"
    if not _present(value):
        return "none"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return json.dumps(value)


def _who(values: pd.Series, runs: pd.DataFrame) -> str:
    return "; ".join(
        f"{value} in {_some(_name(run) for run in _rows(runs.loc[same.index]))}"
        for value, same in values.groupby(values)
    )


def _rows(runs: pd.DataFrame) -> Iterable[pd.Series]:
    return (run for _, run in runs.iterrows())


def _some(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - NAMED_RUNS} more" if len(every) > NAMED_RUNS else ""
    return ", ".join(every[:NAMED_RUNS]) + more


def _name(run: pd.Series) -> str:
    return run["name"] or run["run_id"]
