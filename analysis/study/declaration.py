"""What the runs' own configs say of their ablation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

import pandas as pd

from analysis.published.cells import table_names
from analysis.rounds import Rounds
from analysis.schema import Kind
from analysis.study.values import brief, is_number, present, printable

KINDS = get_args(Kind)


class TableError(ValueError):
    """Runs that cannot share one table; one line says what differs, and where."""


@dataclass(frozen=True)
class Declaration:
    """What an ablation compares, as its newest run declares it.

    labels: variant -> the row's label, in table order. levels: variant -> {factor path: value}. steps: variant -> the
    ladder's step that leads to it. Older logs declare neither levels nor steps, and are of one factor.
    target_train_error: percent, where the question is how soon it is reached. fixed: what all variants share.
    deviations: from the paper, each with "what", "paper" and "ours". meaning: how logs that this program did not write
    were read; empty for its own. step: what counts the epochs, on a curve's axis. rounds: None for a fixed number of
    seeds. damage: what of it cannot be used.
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
    fixed: tuple[str, ...] = ()
    deviations: tuple[Mapping[str, str], ...] = ()
    meaning: str = ""
    step: str = "epoch"
    rounds: Rounds | None = None
    damage: tuple[str, ...] = ()

    @property
    def variants(self) -> tuple[str, ...]:
        return tuple(self.labels)

    def is_factor(self, path: str) -> bool:
        """The path of a setting is a factor, or lies below one."""
        return any(path == factor or path.startswith(f"{factor}.") for factor in self.factors)


def read_declaration(runs: pd.DataFrame) -> Declaration:
    """The declaration in the newest run; a variant that only older runs have comes last, under its own name.

    Raises TableError where no run has one, where the runs belong to several ablations or profiles, or where the
    declaration does not say what is compared. Anything else in it that cannot be used is left out and named.
    """
    for column, plural in (("ablation", "ablations"), ("profile", "profiles")):
        found = sorted({str(value) for value in runs[column].unique() if value})
        if len(found) > 1:
            raise TableError(f"runs of {len(found)} {plural} cannot share one table: {', '.join(found)}; choose one")
    declared = runs[runs["config.ablation.variants"].map(present)] if "config.ablation.variants" in runs else runs[:0]
    if declared.empty:
        raise TableError(
            "no run's config says which ablation it belongs to; give runs that run_ablation.py trained, or say what "
            "their logs mean (docs/logs.md)"
        )
    newest = declared.sort_values("started", na_position="first", kind="stable").iloc[-1]
    fields = Fields(newest)
    variants = fields.needed("variants", is_names)
    labels = fields.get("labels", lambda value: is_texts(value) and len(value) == len(variants)) or variants
    labelled = dict(zip(variants, map(printable, labels), strict=True))
    labelled |= {name: name for name in runs["variant"].unique() if name and name not in labelled}
    levels = fields.get("levels", lambda value: is_list(value, is_mapping) and len(value) == len(variants)) or ()
    steps = fields.get("steps", lambda value: is_list(value, is_text_or_none) and len(value) == len(variants)) or ()
    return Declaration(
        name=fields.needed("name", is_text),
        question=printable(fields.get("question", is_text) or ""),
        factors=tuple(fields.needed("factors", is_texts)),
        baseline=fields.needed("baseline", lambda value: is_text(value) and value in variants),
        labels=labelled,
        published=fields.get("published", lambda value: is_text(value) and value in table_names()),
        paper_net=fields.get("paper_net", is_text),
        failure_error=fields.get("failure_error", is_percentage),
        kind=fields.get("kind", lambda value: value in KINDS) or "one_factor",
        levels=dict(zip(variants, levels, strict=False)),
        steps={name: step for name, step in zip(variants, steps, strict=False) if step},
        target_train_error=fields.get("target_train_error", is_percentage),
        fixed=tuple(fields.get("fixed", is_texts) or ()),
        deviations=tuple(fields.get("deviations", lambda value: is_list(value, is_deviation)) or ()),
        meaning=fields.get("meaning", is_text) or "",
        step=printable(fields.get("step", is_text) or "epoch"),
        rounds=_rounds(declared, fields.damage),
        damage=tuple(fields.damage),
    )


def _rounds(declared: pd.DataFrame, damage: list[str]) -> Rounds | None:
    """The looks that any run declares: seeds added to a study that grows in rounds do not make it one of fixed size.

    Of several plans the oldest counts, since a plan must not depend on what was seen; the others are noted as damage.
    """
    oldest_first = declared.sort_values("started", na_position="last", kind="stable")
    plans = []
    for value in oldest_first.get("config.ablation.looks", pd.Series(dtype=object)):
        if not present(value):
            continue
        try:
            plan = Rounds(tuple(int(n) for n in value))
        except (TypeError, ValueError):
            damage.append(f"the declared looks cannot be used: {brief(value)}")
            continue
        plans += [plan] if plan not in plans else []
    if len(plans) > 1:
        damage.append(
            f"seeds were added under {len(plans)} plans, of up to {', '.join(str(plan.most) for plan in plans)} seeds; "
            f"the first plan counts"
        )
    return plans[0] if plans else None


class Fields:
    """The fields of a declaration, each checked when it is taken."""

    def __init__(self, run: pd.Series) -> None:
        self.run = run
        self.damage: list[str] = []

    def get(self, key: str, fits: Callable[[Any], bool]) -> Any:
        """The value; None where there is none or where it does not fit, which is noted as damage."""
        value = self.run.get(f"config.ablation.{key}")
        if not present(value):
            return None
        if fits(value):
            return value
        self.damage.append(f"the declared {key} cannot be used: {brief(value)}")
        return None

    def needed(self, key: str, fits: Callable[[Any], bool]) -> Any:
        """Raises TableError where there is none or where it does not fit."""
        if (value := self.get(key, fits)) is None:
            found = self.run.get(f"config.ablation.{key}")
            said = f"its ablation.{key} is {brief(found)}" if present(found) else f"it has no ablation.{key}"
            raise TableError(f"the config of {self.run['name'] or self.run['run_id']} declares no ablation: {said}")
        return value


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def is_percentage(value: Any) -> bool:
    return is_number(value) and 0 <= value <= 100


def is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def is_mapping(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str | int | float | None) for item in value.values())


def is_list(value: Any, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, list | tuple) and all(map(fits, value))


def is_texts(value: Any) -> bool:
    return is_list(value, is_text)


def is_names(value: Any) -> bool:
    return is_texts(value) and len(value) > 0 and len(set(value)) == len(value)


def is_deviation(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in ("what", "paper", "ours"))
