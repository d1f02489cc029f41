"""The lists of a report: captions, the plan, every run, settings and versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.schema import ERROR
from analysis.study import Study
from analysis.study.study import GUARDED
from analysis.study.values import readable

CAPTIONS: Mapping[str, str] = {
    "training_curves": "Error by epoch, test solid and training dashed: median over the seeds that did not diverge, "
    "band from their minimum to their maximum; a cross marks where a run diverged.",
    "seeds": "Last-epoch {metric}: one dot per seed, thin lines join equal seeds, a bar marks the median, diamonds "
    "the paper's numbers where the data set is the same.",
    "degradation": "Test error (bold) and training error (dashed) by epoch, one colour per depth; last panel: "
    "last-epoch errors against depth. Does the training error rise with depth as well?",
    "interaction": "Last-epoch {metric} against the levels of one factor, one line per level of the other: "
    "parallel lines mean no interaction. Diamonds: the paper's numbers where the data set is the same.",
    "ladder": "Last-epoch {metric} of each step, and each step minus the one before, paired by seed, mean with an "
    "interval that holds for all steps at 95 %. Diamonds: the paper's numbers where the data set is the same.",
    "error_to_target": "Training error by epoch and where it reaches the declared target (dashed grey): a large mark "
    "at the median epoch, one small dot per seed.",
    "error_against_cost": "Last-epoch {metric} against parameters and multiply-adds: marks below and to the left of "
    "the baseline's are better at a lower cost.",
    "signal_activation": "Root mean square of each unit's activations, input to output, at the start (dashed) and "
    "during training, for one seed: does the signal reach the output?",
    "signal_gradient": "Root mean square of each unit's gradients, input to output, at the start (dashed) and "
    "during training, for one seed: does the gradient reach the input?",
    "gates": "Mean value of each unit's gate during training, one line per unit, for one seed.",
}
VERSION_NAMES: Mapping[str, str] = {
    "device": "trained on",
    "env.device": "hardware",
    "env.dirty": "uncommitted changes",
}


def plan_rows(study: Study) -> list[dict[str, Any]]:
    """Each variant's name, label, what it sets (factor = value; a ladder's step) and its seeds."""
    rows = []
    runs, declared = study.runs, study.declared
    for name, label in declared.labels.items():
        levels = [f"{path} = {readable(value)}" for path, value in declared.levels.get(name, {}).items()]
        seeds = sorted({int(seed) for seed in runs.loc[runs["variant"] == name, "seed"].dropna()})
        rows.append(
            {
                "name": name,
                "label": label,
                "baseline": name == declared.baseline,
                "levels": [*([declared.steps[name]] if name in declared.steps else []), *levels],
                "seeds": ", ".join(map(str, seeds)),
            }
        )
    return rows


def run_rows(study: Study) -> list[dict[str, Any]]:
    """Each run's name, seed, outcome, last error and source, and the settings in which it differs from the others.

    Settings shared by all runs are left out; the seed has a column of its own. bad: the run did not finish, failed,
    or its log is damaged.
    """
    runs = study.runs
    varying = {key: texts for key, texts in _settings(runs).items() if len(set(texts)) > 1}
    errors = pd.to_numeric(runs[ERROR.column]) if ERROR.column in runs else pd.Series(index=runs.index)
    rows = []
    for i, index in enumerate(runs.index):
        run = runs.loc[index]
        outcome = [run["outcome"]]
        outcome += ["failed"] if run["failed"] and run["outcome"] != "diverged" else []
        outcome += ["log damaged"] if run["damage"] else []
        rows.append(
            {
                "name": run["name"] or run["run_id"],
                "seed": "" if pd.isna(run["seed"]) else run["seed"],
                "outcome": ", ".join(outcome),
                "bad": outcome != ["finished"],
                "epochs": run["epochs"],
                "error": "" if pd.isna(errors[index]) else f"{errors[index]:.2f}",
                "differs": [f"{key} = {texts[i]}" for key, texts in varying.items() if texts[i]],
                "source": run["source"],
            }
        )
    return rows


def shared_settings(runs: pd.DataFrame) -> list[tuple[str, str]]:
    """The settings of net, data and recipe that are the same in all runs."""
    return [(key, texts[0]) for key, texts in _settings(runs).items() if len(set(texts)) == 1 and texts[0]]


def versions(runs: pd.DataFrame) -> list[tuple[str, str]]:
    """Versions, hardware and commit as the runs logged them; several values where the runs do not agree."""
    pairs = []
    for column in (column for column in runs if column.startswith("config.env.") or column == "config.device"):
        key = column.removeprefix("config.")
        name = VERSION_NAMES.get(key, key.removeprefix("env.").removeprefix("packages."))
        pairs.append((name, ", ".join(sorted({readable(value) for value in runs[column]} - {""}))))
    return [(name, value) for name, value in pairs if value]


def _settings(runs: pd.DataFrame) -> dict[str, list[str]]:
    """Path of every guarded setting -> its text in each run."""
    guarded = [column for column in runs if column.startswith(GUARDED)]
    return {column.removeprefix("config."): [readable(value) for value in runs[column]] for column in guarded}
