"""What the figures draw: the runs that count, their epochs, and how the ablation was declared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis import study
from analysis.output.figures.style import Look, looks
from analysis.published import cells as published
from analysis.stats.paired import summarise
from analysis.study import Declaration

FACTOR_NAMES: Mapping[str, str] = {"lrn": "LRN"}
LEVEL_NAMES: Mapping[tuple[str, str], str] = {
    ("shortcut", "none"): "plain",
    ("shortcut", "identity"): "residual",
    ("activation", "relu"): "ReLU",
}


@dataclass(frozen=True)
class Subject:
    """One ablation as its figures see it. counted: the runs that count, with the boolean column `failed`.

    errors: variant -> seed -> last-epoch test error in percent, of the runs that did not fail.
    """

    declared: Declaration
    counted: pd.DataFrame
    errors: Mapping[str, Mapping[int, float]]
    looks: Mapping[str, Look]

    @property
    def variants(self) -> list[str]:
        """The variants that have a run, in the ablation's order."""
        ran = set(self.counted["variant"])
        return [name for name in self.declared.variants if name in ran]

    def levels(self, variant: str) -> Mapping[str, Any]:
        return self.declared.levels.get(variant, {})

    @property
    def factors(self) -> list[str]:
        """The factors whose levels differ between the variants that have a run, in their declared order."""
        of_runs = [self.levels(name) for name in self.variants]
        names = dict.fromkeys(factor for levels in of_runs for factor in levels)
        return [name for name in names if len({repr(levels.get(name)) for levels in of_runs}) > 1]

    def values(self, factor: str) -> list[Any]:
        """The factor's levels in the order of the variants, or ascending where they are numbers."""
        levels = [self.levels(name) for name in self.variants]
        found = list({repr(of[factor]): of[factor] for of in levels if factor in of}.values())
        return sorted(found) if all(map(is_number, found)) else found

    def runs_of(self, variant: str) -> pd.DataFrame:
        return self.counted[self.counted["variant"] == variant]

    def failures(self, variant: str) -> int:
        return int(self.runs_of(variant)["failed"].sum())

    def median(self, variant: str) -> float:
        """The table's median, which ranks failed runs last; NaN where it is a failure."""
        return summarise(list(self.errors[variant].values()), self.failures(variant)).median

    def diverged(self, variant: str) -> str:
        """ "n = 5", or how many of the runs diverged."""
        outcomes = self.runs_of(variant)["outcome"]
        diverged = int((outcomes == "diverged").sum())
        return f"{diverged} of {len(outcomes)} diverged" if diverged else f"n = {len(outcomes)}"

    def count(self, variant: str) -> str:
        """ "n = 4, 1 failed": the runs in the statistics, and those that failed."""
        failures = self.failures(variant)
        return f"n = {len(self.errors[variant])}" + (f", {failures} failed" if failures else "")

    def points(self, history: pd.DataFrame, *metrics: str) -> pd.DataFrame:
        """One row a counted run and epoch: these metrics, the run's outcome, and the epoch as `x`."""
        mine = history.loc[history["run_id"].isin(self.counted["run_id"]), ["run_id", "variant", "epoch", *metrics]]
        outcome = self.counted.set_index("run_id")["outcome"]
        return mine.assign(outcome=mine["run_id"].map(outcome), x=mine["epoch"])


def subject(runs: pd.DataFrame) -> Subject:
    """Raises study.TableError where the runs do not belong to one declared ablation."""
    declared, counted = study.declaration(runs), study.compared(runs)
    return Subject(
        declared=declared,
        counted=counted.assign(failed=study.failed(counted, declared.failure_error)),
        errors=study.errors_by_seed(runs),
        looks=looks(declared.variants, declared.baseline),
    )


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def depth_of(factor: str, value: Any) -> int | None:
    """20 for net.name = "resnet20" or net.depth = 20; None for a factor that is no depth."""
    if factor.endswith("depth") and is_number(value):
        return int(value)
    if factor in ("net", "net.name") and isinstance(value, str) and (match := re.fullmatch(r"[a-z]+(\d+)", value)):
        return int(match[1])
    return None


def factor_text(factor: str) -> str:
    """net.name is "net", recipe.learning_rate "learning rate"."""
    name = factor.removesuffix(".name").rpartition(".")[2]
    return FACTOR_NAMES.get(name, name.replace("_", " "))


def level_text(factor: str, value: Any, *, alone: bool = False) -> str:
    """A level as a reader would say it: with, plain, ResNet-110, 0.1. alone: with LRN, learning rate 0.1."""
    named = f" {factor_text(factor)}" if alone else ""
    if isinstance(value, bool):
        return ("with" if value else "without") + named
    if is_number(value):
        return f"{named} {value:g}".strip()
    name = LEVEL_NAMES.get((factor.rpartition(".")[2], value)) if isinstance(value, str) else None
    return name or published.title(str(value)).replace("_", " ")
