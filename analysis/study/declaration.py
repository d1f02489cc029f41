"""What the runs' own configs say of their ablation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analysis.schema import Kind
from analysis.study.values import present, printable


class TableError(ValueError):
    """Runs that cannot share one table; one line says what differs, and where."""


@dataclass(frozen=True)
class Declaration:
    """What an ablation compares, as its newest run declares it.

    labels: variant -> the row's label, in table order. levels: variant -> {factor path: value}. steps: variant -> the
    ladder's step that leads to it. Older logs declare neither levels nor steps, and are of one factor.
    target_train_error: percent, where the question is how soon it is reached. fixed: what all variants share.
    deviations: from the paper, each with "what", "paper" and "ours".
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

    @property
    def variants(self) -> tuple[str, ...]:
        return tuple(self.labels)

    def is_factor(self, path: str) -> bool:
        """The path of a setting is a factor, or lies below one."""
        return any(path == factor or path.startswith(f"{factor}.") for factor in self.factors)


def read_declaration(runs: pd.DataFrame) -> Declaration:
    """The declaration in the newest run; a variant that only older runs have comes last, under its own name.

    Raises TableError where no run has one, or where the runs belong to several ablations or profiles.
    """
    for column, plural in (("ablation", "ablations"), ("profile", "profiles")):
        found = sorted({str(value) for value in runs[column].unique() if value})
        if len(found) > 1:
            raise TableError(f"runs of {len(found)} {plural} cannot share one table: {', '.join(found)}; choose one")
    declared = runs[runs["config.ablation.variants"].map(present)] if "config.ablation.variants" in runs else runs[:0]
    if declared.empty:
        raise TableError("no run's config says which ablation it belongs to; give runs that run_ablation.py trained")
    newest = declared.sort_values("started", na_position="first", kind="stable").iloc[-1]

    def value(key: str) -> Any:
        found = newest.get(f"config.ablation.{key}")
        return found if present(found) else None

    variants = value("variants")
    labels = dict(zip(variants, map(printable, value("labels") or variants), strict=True))
    labels |= {name: name for name in runs["variant"].unique() if name and name not in labels}
    return Declaration(
        name=value("name"),
        question=printable(value("question") or ""),
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
        fixed=tuple(value("fixed") or ()),
        deviations=tuple(value("deviations") or ()),
    )
