"""Logs that this program did not write, in its words: which key is the variant, the seed and the metric."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from analysis.logs.fragment import LogsError
from analysis.logs.load import whole
from analysis.logs.select import column_of, near, texts

Unit = Literal["accuracy-fraction", "accuracy-percent", "error-percent", "loss"]
# The largest value that a unit allows, and the value as an error in percent (a loss stays as it is).
UNITS: dict[str, tuple[float, Callable[[pd.Series], pd.Series]]] = {
    "accuracy-fraction": (1.0, lambda value: 100 * (1 - value)),
    "accuracy-percent": (100.0, lambda value: 100 - value),
    "error-percent": (100.0, lambda value: value),
    "loss": (np.inf, lambda value: value),
}
MEANINGS = {
    "accuracy-fraction": "the error in percent is 100 (1 − {metric})",
    "accuracy-percent": "the error in percent is 100 − {metric}",
    "error-percent": "the error in percent is {metric}",
    "loss": "the metric is {metric}, lower is better",
}
ORDER = "order"  # of a seed: the runs of a variant are numbered in the order of their start


@dataclass(frozen=True)
class LogMapping:
    """What the keys of someone's logs mean.

    variant, seed: where each run's is: "config.KEY", "group", "job_type", or "name:REGEX" (also "group:REGEX" and so
    on), which takes the first group of the expression; a seed may also be "order": by start. metric: the logged key
    that is compared, in the unit `as_`, by its last value. train_metric: the same of the training set, for the curves.
    step: the logged key that counts the epochs, or "_step".
    """

    variant: str
    seed: str
    metric: str
    as_: Unit
    baseline: str
    step: str = "epoch"
    train_metric: str | None = None

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> LogMapping:
        """Raises LogsError for an option that is missing, unknown or of the wrong type."""
        options = {("as_" if key == "as" else key): value for key, value in options.items() if value is not None}
        known = [field.name for field in fields(cls)]
        for key, value in options.items():
            if key not in known:
                raise LogsError(f"a mapping has no {key!r}{near(key, known)}")
            if not isinstance(value, str):
                raise LogsError(f"the mapping's {key} is {value!r}, not a text")
        for key, example in NEEDED.items():
            if key not in options:
                raise LogsError(f"the mapping lacks {key.strip('_')}: {example}")
        if options["as_"] not in UNITS:
            raise LogsError(f"the unit {options['as_']!r} is none of {', '.join(UNITS)}")
        return cls(**options)

    @property
    def name_of_metric(self) -> str:
        """In the frames: an accuracy is compared as an error."""
        return self.metric if self.as_ == "loss" else "error"

    @property
    def meaning(self) -> str:
        numbered = "the runs of a variant are numbered in the order of their start, so their pairs are arbitrary"
        seed = numbered if self.seed == ORDER else f"the seed is {self.seed}"
        return (
            f"Read from the logs: the variant is {self.variant}, {seed}, "
            f"{MEANINGS[self.as_].format(metric=self.metric)} of the last {self.step.strip('_')}."
        )


NEEDED = {
    "variant": "say what tells the variants apart, as --variant config.model, group or name:'(.*)-s[0-9]+'",
    "seed": "say where the seed is, as --seed config.seed or name:'s([0-9]+)', or --seed order if there is none",
    "metric": "say which logged key is compared, as --metric val/acc",
    "as_": f"say what the metric is, as --as {'|'.join(UNITS)}",
    "baseline": "say which variant the others are compared with, as --baseline resnet",
}


def read_options(path: Path) -> dict[str, Any]:
    """A mapping as a TOML file; its keys are the options' names. Raises LogsError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LogsError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LogsError(f"{path} is not a TOML file: {error}") from error


def mapped(
    runs: pd.DataFrame, history: pd.DataFrame, mapping: LogMapping, name: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frames as `logs.load` gives them of this program's own runs.

    A run without a variant, a seed or a value of the metric gets the outcome "unmapped: ..." and counts nowhere.
    Raises LogsError where no run has what the mapping names, and where a value cannot be of the unit.
    """
    if runs["ablation"].nunique() > 1:
        projects = ", ".join(sorted(set(runs["ablation"]))[:20])
        raise LogsError(f"runs of several projects: {projects}; choose one with --where project=NAME")
    variant = values_of(runs, mapping.variant)
    seed = _seeds(runs, variant, mapping.seed)
    curves = _curves(history, mapping)
    error = _last(runs, curves, mapping)
    metric = mapping.name_of_metric
    if mapping.baseline not in set(variant):
        every = sorted(set(variant.dropna()))
        raise LogsError(f"no run is of the baseline {mapping.baseline!r}; variants: {', '.join(every[:20])}")
    lost = error.isna() & ~runs["not_finite"].map(lambda keys: mapping.metric in keys)
    lacking = {mapping.variant: variant.isna(), mapping.seed: seed.isna(), mapping.metric: lost}
    out = runs.drop(columns=[c for c in runs if c.startswith(("config.ablation.", "config.metrics.", "summary.test/"))])
    out = out.assign(
        variant=variant.fillna(""), seed=seed, ablation=name, profile="", **{f"summary.test/{metric}": error}
    )
    not_finite = runs["not_finite"].map(lambda keys: mapping.metric in keys) | np.isinf(error)
    diverged = out["outcome"].eq("finished") & not_finite
    out.loc[diverged, "outcome"] = "diverged"
    for key, without in lacking.items():
        out.loc[without & out["outcome"].isin(["finished", "diverged"]), "outcome"] = f"unmapped (no {key})"
    names = sorted(set(variant.dropna()), key=lambda value: (value != mapping.baseline, value))
    declared: dict[str, Any] = {
        "ablation.name": name,
        "ablation.factors": [mapping.variant],
        "ablation.baseline": mapping.baseline,
        "ablation.variants": names,
        "ablation.levels": [{mapping.variant: value} for value in names],
        "ablation.meaning": mapping.meaning,
        "ablation.step": mapping.step.strip("_"),
    }
    if mapping.as_ == "loss":
        declared |= {f"metrics.{metric}.label": mapping.metric, f"metrics.{metric}.lower_is_better": True}
    told = pd.DataFrame({f"config.{key}": [value] * len(out) for key, value in declared.items()}, index=out.index)
    count = curves.loc[curves["value"].notna()].groupby("run_id").size()
    out["epochs"] = out["run_id"].map(count).fillna(0).astype(int)
    return pd.concat([out, told], axis=1), _history(curves, out, metric)


def values_of(runs: pd.DataFrame, rule: str) -> pd.Series:
    """Each run's value of "config.KEY", "group" or "name:REGEX" as text; missing where it has none."""
    field, colon, pattern = rule.partition(":")
    column = column_of(runs, field)
    expression = _compiled(rule, pattern) if colon else None

    def read(cell: Any) -> str | None:
        for text in texts(cell)[:1] if not isinstance(cell, list) else texts(cell):
            if expression is None:
                return text if text not in ("", "none") else None
            if found := expression.search(text):
                return found[1] if expression.groups else found[0]
        return None

    found = runs[column].map(read)
    if found.isna().all():
        raise LogsError(f"no run has a value for {rule}; --describe lists what there is")
    return found.astype(object).where(found.notna(), None)


def _compiled(rule: str, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise LogsError(f"{rule!r} is no regular expression: {error}") from error


def _seeds(runs: pd.DataFrame, variant: pd.Series, rule: str) -> pd.Series:
    if rule == ORDER:
        by_start = runs.assign(variant=variant).sort_values("started", na_position="last", kind="stable")
        return by_start.groupby("variant").cumcount().reindex(runs.index).astype("Int64")
    found = [None if text is None else whole(text) for text in values_of(runs, rule)]
    if not any(seed is not None for seed in found):
        raise LogsError(f"{rule} is no whole number in any run, so it is no seed; --seed order numbers the runs")
    return pd.Series(pd.array(found, dtype="Int64"), index=runs.index)


def _curves(history: pd.DataFrame, mapping: LogMapping) -> pd.DataFrame:
    """run_id, epoch, value and training value by row, both as errors; rows without an epoch are left out."""
    rows = history[history["epoch"].notna()]
    if mapping.metric in history and not (mapping.metric in rows and rows[mapping.metric].notna().any()):
        raise LogsError(
            f"{mapping.metric} is logged in calls without {mapping.step!r} only: name the key that counts the epochs, "
            "or count log calls with --step _step"
        )
    out = rows[["run_id", "epoch"]].assign(value=np.nan, training=np.nan)
    for column, key in (("value", mapping.metric), ("training", mapping.train_metric)):
        if key is not None and key in rows:
            out[column] = converted(rows[key], key, mapping.as_)
    return out


def converted(values: pd.Series, key: str, unit: Unit) -> pd.Series:
    """As errors in percent, or losses. Raises LogsError for values that the unit does not allow."""
    numbers = pd.to_numeric(values.map(lambda value: value if type(value) in (int, float) else np.nan))
    most, convert = UNITS[unit]
    finite = numbers[np.isfinite(numbers)]
    if len(finite) and unit != "loss" and (finite.max() > most or finite.min() < 0):
        raise LogsError(
            f"{key} has values from {finite.min():g} to {finite.max():g}, which is no {unit}: choose another --as of "
            f"{', '.join(get_args(Unit))}"
        )
    return convert(numbers.astype(float))


def _last(runs: pd.DataFrame, curves: pd.DataFrame, mapping: LogMapping) -> pd.Series:
    """Each run's value in its last row that has one, or else in its summary."""
    last = curves.dropna(subset="value").sort_values("epoch", kind="stable").groupby("run_id")["value"].last()
    found = runs["run_id"].map(last)
    summary = f"summary.{mapping.metric}"
    if summary in runs:
        found = found.fillna(converted(runs[summary], mapping.metric, mapping.as_))
    if found.isna().all():
        known = [str(column).removeprefix("summary.") for column in runs if column.startswith("summary.")]
        raise LogsError(
            f"no run has a value of {mapping.metric!r} in a log call with {mapping.step!r}"
            f"{near(mapping.metric, known)}; --describe lists the metrics, and --step _step counts log calls"
        )
    return found.astype(float)


def _history(curves: pd.DataFrame, runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    of_run = runs.set_index("run_id")
    rows = curves[curves["value"].notna() | curves["training"].notna()]
    out = rows[["run_id"]].assign(
        variant=rows["run_id"].map(of_run["variant"]), seed=rows["run_id"].map(of_run["seed"]), epoch=rows["epoch"]
    )
    out[f"test/{metric}"] = rows["value"]
    if rows["training"].notna().any():
        out["train/error" if metric == "error" else "train/loss"] = rows["training"]
    return out.reset_index(drop=True)
