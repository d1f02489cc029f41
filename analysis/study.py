"""Whether the runs of an ablation may stand in one table: what they declare, what differs, what is missing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

GUARDED = ("config.net.", "config.data.", "config.recipe.", "config.threads", "config.device")
COMPARED = ("finished", "diverged")
ERROR = "summary.test/error"
NAMED_RUNS = 3  # a message names so many runs, then counts
NONE = "none"  # in a message: the setting is None, or the net has no such option

Kind = Literal["one_factor", "parts", "factorial", "ladder"]


class TableError(ValueError):
    """Runs that cannot stand in one table; one line says what differs, and where."""


@dataclass(frozen=True)
class Declaration:
    """What the runs' own configs say of their ablation. labels: variant -> the row's label, in table order.

    levels: variant -> {factor path: value}. steps: variant -> the ladder's step that leads to it. Logs from before
    these were declared have neither, and are of one factor. target_train_error: percent, where the question is how
    soon it is reached.
    """

    name: str
    question: str
    factors: tuple[str, ...]
    baseline: str
    labels: Mapping[str, str]
    published: str | None
    paper_net: str | None
    failure_error: float | None
    kind: Kind = "one_factor"
    levels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    steps: Mapping[str, str] = field(default_factory=dict)
    target_train_error: float | None = None

    @property
    def variants(self) -> tuple[str, ...]:
        return tuple(self.labels)


def declaration(runs: pd.DataFrame) -> Declaration:
    """The declaration in the newest run; a variant that only older runs have comes last, under its own name.

    Raises TableError where no run has one, or where the runs belong to several ablations or profiles.
    """
    for column, kind in (("ablation", "ablations"), ("profile", "profiles")):
        found = sorted({str(value) for value in runs[column].unique() if value})
        if len(found) > 1:
            raise TableError(f"runs of {len(found)} {kind} cannot stand in one table: {', '.join(found)}; choose one")
    declared = runs[runs["config.ablation.variants"].map(present)] if "config.ablation.variants" in runs else runs[:0]
    if declared.empty:
        raise TableError("no run's config says which ablation it belongs to; give runs that run_ablation.py trained")
    newest = declared.sort_values("started", na_position="first", kind="stable").iloc[-1]

    def value(key: str) -> Any:
        found = newest.get(f"config.ablation.{key}")
        return found if present(found) else None

    variants = value("variants")
    labels = dict(zip(variants, value("labels") or variants, strict=True))
    labels |= {name: name for name in runs["variant"].unique() if name and name not in labels}
    return Declaration(
        name=value("name"),
        question=value("question") or "",
        factors=tuple(value("factors")),
        baseline=value("baseline"),
        labels=labels,
        published=value("published"),
        paper_net=value("paper_net"),
        failure_error=value("failure_error"),
        kind=value("kind") or "one_factor",
        levels=dict(zip(variants, value("levels") or (), strict=False)),
        steps={name: step for name, step in zip(variants, value("steps") or (), strict=False) if step},
        target_train_error=value("target_train_error"),
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


def errors_by_seed(runs: pd.DataFrame) -> dict[str, dict[int, float]]:
    """Variant -> seed -> last-epoch test error in percent, of the runs that count and did not fail."""
    declared, counted = declaration(runs), compared(runs)
    kept = counted[~failed(counted, declared.failure_error)]
    errors: dict[str, dict[int, float]] = {name: {} for name in declared.variants}
    for variant, seed, error in zip(kept["variant"], kept["seed"], kept.get(ERROR, ()), strict=True):
        errors[variant][int(seed)] = float(error)
    return errors


def check(runs: pd.DataFrame) -> None:
    """Raise TableError if the runs that count differ in anything but the factors and the seed.

    Guarded are the net, the data, the recipe, the threads and the device; within one variant the factors as well,
    which must also be what the declaration says of that variant. Where nets themselves are compared, an option that
    only some of them have is no difference between those and the others.
    """
    declared = declaration(runs)
    counted = compared(runs)
    for column in (column for column in counted if column.startswith(GUARDED)):
        path = column.removeprefix("config.")
        if _plainly_equal(counted[column]):
            continue
        values = counted[column].map(_canonical)
        if any(path == factor or path.startswith(f"{factor}.") for factor in declared.factors):
            groups, said = counted["variant"], f"differ in their factor {path}"
        elif path.startswith("net.") and "net.name" in declared.factors and values[values != NONE].nunique() <= 1:
            groups, said = counted["config.net.name"], f"differ in {path}, which is not the factor"
        else:
            groups, said = None, f"differ in {path}, which is not the factor"
        if groups is None:
            if values.nunique() > 1:
                raise TableError(f"the runs {said}: {_who(values, counted)}")
            continue
        for group, of_group in values.groupby(groups):
            if of_group.nunique() > 1:
                raise TableError(f"the runs of {group} {said}: {_who(of_group, counted)}")
    _check_levels(declared, counted)


def _check_levels(declared: Declaration, counted: pd.DataFrame) -> None:
    for variant, levels in declared.levels.items():
        mine = counted[counted["variant"] == variant]
        for path, level in levels.items():
            path = "net.name" if path == "net" else path
            found = mine[f"config.{path}"].map(_canonical) if f"config.{path}" in mine else pd.Series(dtype=object)
            wrong = found[(found != NONE) & (found != _canonical(level))]
            if len(wrong):
                raise TableError(f"{variant} is declared with {path} = {_canonical(level)}, not {_who(wrong, mine)}")


def problems(runs: pd.DataFrame) -> list[str]:
    """One line for everything that is not as a complete ablation would have it; nothing is hidden."""
    declared, counted = declaration(runs), compared(runs)
    names = _names(runs)
    left_out = runs[~runs["outcome"].isin(COMPARED)]
    lines = [
        f"{names[i]}: {outcome}, not counted ({source})"
        for i, outcome, source in zip(left_out.index, left_out["outcome"], left_out["source"], strict=True)
    ]
    lines += [f"{name}: {line}" for name, damage in zip(names, runs["damage"], strict=True) for line in damage]
    ended = runs[runs["outcome"].isin(COMPARED)]
    doubled = ended[ended["seed"].notna() & ended.duplicated(["variant", "seed"], keep=False)]
    for (variant, seed), same in doubled.groupby(["variant", "seed"], sort=False):
        ids = ", ".join(same["run_id"])
        lines.append(f"{variant}: seed {seed} was run {len(same)} times ({ids}); the newest counts")
    finished = ended[ended["outcome"] == "finished"]
    longest = finished["epochs"].max()
    mute = finished.get(ERROR, pd.Series(index=finished.index)).isna()
    for i in finished.index[mute | (finished["epochs"] < longest)]:
        if mute[i]:
            lines.append(f"{names[i]}: finished without a test error in its log, not counted")
        if finished.at[i, "epochs"] < longest:
            lines.append(f"{names[i]}: its log holds {finished.at[i, 'epochs']} of {longest} epochs")
    lines += [f"{names[i]}: its log holds no seed, not counted" for i in ended.index[ended["seed"].isna()]]
    seeds = set(counted["seed"])
    for variant in declared.variants:
        has = set(counted.loc[counted["variant"] == variant, "seed"])
        if not has:
            lines.append(f"{variant}: no run")
        elif missing := sorted(seeds - has):
            lines.append(f"{variant}: lacks seed{'s' * (len(missing) > 1)} {', '.join(map(str, missing))}")
    return lines


def present(value: Any) -> bool:
    """Neither None nor the NaN that a frame puts where a run lacks the key."""
    return value is not None and (not isinstance(value, float) or not math.isnan(value))


def _canonical(value: Any) -> str:
    """Text that is equal for equal settings: 1 and 1.0, a tuple and a list, None and a missing key."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_canonical, value))}]"
    if not present(value):
        return NONE
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return json.dumps(value, default=str)


def _plainly_equal(column: pd.Series) -> bool:
    """All values are one and the same; False where they cannot be hashed, and where they only look alike."""
    try:
        return column.nunique(dropna=False) <= 1
    except TypeError:
        return False


def _who(values: pd.Series, runs: pd.DataFrame) -> str:
    names = _names(runs)
    return "; ".join(f"{value} in {_some(names[same.index])}" for value, same in values.groupby(values))


def _some(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - NAMED_RUNS} more" if len(every) > NAMED_RUNS else ""
    return ", ".join(every[:NAMED_RUNS]) + more


def _names(runs: pd.DataFrame) -> pd.Series:
    return runs["name"].where(runs["name"].astype(bool), runs["run_id"])
