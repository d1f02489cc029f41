"""One study as tables, verdict, figures and report see it."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import pandas as pd

from analysis.schema import ERROR, Metric, Outcome
from analysis.stats.decision import Design
from analysis.stats.outcomes import Outcomes
from analysis.stats.paired import summarise
from analysis.study.declaration import Declaration, read_declaration
from analysis.study.looks import Look, looks
from analysis.study.metric import find_metric
from analysis.study.paper import PaperCells, paper_cells, stated_differences
from analysis.study.values import is_number

GUARDED = ("config.net.", "config.data.", "config.recipe.", "config.threads", "config.device", "config.compiled")
COUNTED = get_args(Outcome)


@dataclass(frozen=True, eq=False)
class Study:
    """The runs of one ablation under one profile; build it with `Study.from_frames(runs, history)`.

    runs, history: as `logs.load` gives them, with the boolean column `failed` added to the runs. counted: the runs that
    count, which finished or diverged and have a seed and, if finished, a value of the metric, the newest of those that
    share variant and seed. metric: what is compared, by default the test error.
    errors: variant -> seed -> the metric's value in the last epoch, of the runs that count and did not fail.
    margin: differences below it do not matter, in the metric's unit; None: the paper's differences say what matters.
    without_epoch: run id -> its log calls that name no epoch; `history` has none of them.
    """

    declared: Declaration
    runs: pd.DataFrame
    history: pd.DataFrame
    counted: pd.DataFrame
    errors: Mapping[str, Mapping[int, float]]
    looks: Mapping[str, Look]
    metric: Metric = ERROR
    margin: float | None = None
    without_epoch: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, runs: pd.DataFrame | Study, history: pd.DataFrame | None = None) -> Study:
        """The study itself, or the one that is built from the frames."""
        return runs if isinstance(runs, Study) else cls.from_frames(runs, history)

    @classmethod
    def from_frames(
        cls,
        runs: pd.DataFrame,
        history: pd.DataFrame | None = None,
        metric: str = ERROR.name,
        margin: float | None = None,
    ) -> Study:
        """Raises TableError where the runs do not belong to one declared ablation under one profile, or where none of
        them has the metric.
        """
        declared, compared = read_declaration(runs), find_metric(runs, metric)
        runs = runs.copy().assign(failed=failed(runs, declared.failure_error))  # a copy is in one piece
        counted = runs_that_count(runs[runs["variant"].isin(declared.labels)], compared)
        history = NO_HISTORY if history is None else history
        return cls(
            declared=declared,
            runs=runs,
            history=history[history["epoch"].notna()].astype({"epoch": "int64"}),
            without_epoch=history.loc[history["epoch"].isna(), "run_id"].value_counts().to_dict(),
            counted=counted,
            errors=_errors_by_seed(counted, declared, compared),
            looks=looks(declared.variants, declared.baseline),
            metric=compared,
            margin=margin,
        )

    @property
    def design(self) -> Design:
        """How differences to the baseline are decided: as many as the ablation declares, whichever of them were run."""
        rounds = self.declared.rounds
        return Design(len(self.declared.variants) - 1, () if rounds is None else rounds.looks)

    @functools.cached_property
    def paper(self) -> PaperCells:
        """The published cells beside these runs."""
        net, dataset = (self.setting(path) for path in ("net.name", "data.name"))
        return paper_cells(
            self.declared, *(name if isinstance(name, str) else None for name in (net, dataset)), self.metric
        )

    @functools.cached_property
    def outcomes(self) -> dict[str, Outcomes]:
        """Variant -> its errors by seed and the seeds of its runs that failed, of the runs that count."""
        failures: dict[str, set[int]] = {name: set() for name in self.errors}
        for variant, seed in self.counted.loc[self.counted["failed"], ["variant", "seed"]].itertuples(index=False):
            failures[variant].add(int(seed))
        return {name: Outcomes(errors, frozenset(failures[name])) for name, errors in self.errors.items()}

    @functools.cached_property
    def stated(self) -> pd.DataFrame:
        """The published differences to the baseline, where the paper prints no errors."""
        return stated_differences(self.declared, self.metric)

    @functools.cached_property
    def epochs_to_target(self) -> dict[str, dict[int, float]]:
        """`epochs_to_reach` of the declared training error; empty where none is declared."""
        target = self.declared.target_train_error
        return {} if target is None else self.epochs_to_reach(target)

    def epochs_to_reach(self, target: float, metric: str = "train/error") -> dict[str, dict[int, float]]:
        """Variant -> seed -> the first epoch (from 1) whose `metric` is at or below `target`; inf without one.

        Of the runs that count. A run that diverged before is one that never gets there, not one that was watched less.
        """
        history = self.history
        reached = history.loc[history[metric] <= target] if metric in history else history[:0]
        first = self.counted["run_id"].map(reached.groupby("run_id")["epoch"].min()).fillna(math.inf)
        times: dict[str, dict[int, float]] = {}
        for variant, seed, epoch in zip(self.counted["variant"], self.counted["seed"], first, strict=True):
            times.setdefault(variant, {})[int(seed)] = float(epoch)
        return times

    @functools.cached_property
    def variants(self) -> list[str]:
        """The variants that have a run, in the ablation's order."""
        ran = set(self.counted["variant"])
        return [name for name in self.declared.variants if name in ran]

    def levels(self, variant: str) -> Mapping[str, Any]:
        return self.declared.levels.get(variant, {})

    @property
    def factors(self) -> list[str]:
        """The factors whose levels differ between the variants that have a run, in their declared order."""
        levels = [self.levels(name) for name in self.variants]
        names = dict.fromkeys(factor for level in levels for factor in level)
        return [name for name in names if len({repr(level.get(name)) for level in levels}) > 1]

    def values(self, factor: str) -> list[Any]:
        """The factor's levels in the order of the variants, or ascending where they are numbers."""
        levels = [self.levels(name) for name in self.variants]
        found = list({repr(level[factor]): level[factor] for level in levels if factor in level}.values())
        return sorted(found) if all(map(is_number, found)) else found

    def runs_of(self, variant: str) -> pd.DataFrame:
        return self.counted[self.counted["variant"] == variant]

    def failures(self, variant: str) -> int:
        return int(self.runs_of(variant)["failed"].sum())

    def median(self, variant: str) -> float:
        """The table's median, which ranks failed runs last; NaN where it is a failure."""
        return summarise(list(self.errors[variant].values()), self.failures(variant), self.metric.sign).median

    @functools.cached_property
    def drawn(self) -> pd.DataFrame:
        """The runs that have curves: those that count, and those that have not ended yet."""
        running = self.runs[(self.runs["outcome"] == "unfinished") & self.runs["seed"].notna()]
        running = running[running["variant"].isin(self.declared.labels) & running["epochs"].gt(0)]
        every = pd.concat([self.counted, running]) if len(running) else self.counted
        return every.drop_duplicates(["variant", "seed"]).sort_index()

    @functools.cached_property
    def drawn_variants(self) -> list[str]:
        ran = set(self.drawn["variant"])
        return [name for name in self.declared.variants if name in ran]

    def diverged_text(self, variant: str) -> str:
        """ "n = 5", or how many of the runs diverged."""
        outcomes = self.drawn.loc[self.drawn["variant"] == variant, "outcome"]
        diverged, running = (int((outcomes == word).sum()) for word in ("diverged", "unfinished"))
        text = f"{diverged} of {len(outcomes)} diverged" if diverged else f"n = {len(outcomes)}"
        return text + (f", {running} unfinished" if running else "")

    def count_text(self, variant: str) -> str:
        """ "n = 4, 1 failed": the runs in the statistics, and those that failed."""
        failures = self.failures(variant)
        return f"n = {len(self.errors[variant])}" + (f", {failures} failed" if failures else "")

    def points(self, *metrics: str) -> pd.DataFrame:
        """One row per run and epoch: these metrics, and whether the run "diverged" or is "finished" (or still runs)."""
        history, drawn = self.history, self.drawn
        mine = history.loc[history["run_id"].isin(drawn["run_id"]), ["run_id", "variant", "epoch", *metrics]]
        outcome = drawn.set_index("run_id")["outcome"].replace("unfinished", "finished")
        return mine.assign(outcome=mine["run_id"].map(outcome))

    def setting(self, path: str) -> Any:
        """The value that the runs share, from those that count, or else from any; None where there is none."""
        column = f"config.{path}"
        for frame in (self.counted, self.runs):
            if column in frame and len(values := frame[column].dropna()):
                value = values.iloc[0]
                return value.item() if isinstance(value, np.generic) else value
        return None


NO_HISTORY = pd.DataFrame({"run_id": [], "variant": [], "seed": [], "epoch": []})


def runs_that_count(runs: pd.DataFrame, metric: Metric = ERROR) -> pd.DataFrame:
    """`runs_that_ended`, and of those that share variant and seed the newest."""
    newest_last = runs_that_ended(runs, metric).sort_values("started", na_position="first", kind="stable")
    return newest_last.drop_duplicates(["variant", "seed"], keep="last").sort_index()


def runs_that_ended(runs: pd.DataFrame, metric: Metric = ERROR) -> pd.DataFrame:
    """The runs that finished or diverged, with a seed and, if finished, a finite value of the metric."""
    done = runs[runs["outcome"].isin(COUNTED) & runs["seed"].notna()]
    values = pd.to_numeric(done.get(metric.column, pd.Series(index=done.index, dtype=float)))
    return done[(done["outcome"] == "diverged") | np.isfinite(values.astype(float))]


def failed(runs: pd.DataFrame, failure_error: float | None) -> pd.Series:
    """True for a run that diverged or ended above the failure line (None: there is no line)."""
    line = math.inf if failure_error is None else failure_error
    errors = pd.to_numeric(runs[ERROR.column]) if ERROR.column in runs else pd.Series(math.nan, index=runs.index)
    return (runs["outcome"] == "diverged") | (errors > line)


def run_names(runs: pd.DataFrame) -> pd.Series:
    """Each run's name, or its id where it has none."""
    return runs["name"].where(runs["name"].astype(bool), runs["run_id"])


def _errors_by_seed(counted: pd.DataFrame, declared: Declaration, metric: Metric) -> dict[str, dict[int, float]]:
    kept = counted[~counted["failed"]]
    errors: dict[str, dict[int, float]] = {name: {} for name in declared.variants}
    for variant, seed, error in zip(kept["variant"], kept["seed"], kept.get(metric.column, ()), strict=True):
        errors[variant][int(seed)] = float(error)
    return errors
