"""The metric that a study compares: one of the bench's, or one that the runs themselves describe."""

from __future__ import annotations

import pandas as pd

from analysis.schema import METRICS, Metric
from analysis.study.declaration import TableError
from analysis.study.values import present

FACTS = ("label", "unit", "lower_is_better", "published")


def find_metric(runs: pd.DataFrame, name: str) -> Metric:
    """The metric of that name, as `experiments.training.metrics` or the newest run that logged it describes it.

    Raises TableError where no run has a value.
    """
    unnamed = () if "config.metrics.loss.label" in runs else ("summary.test/loss",)
    logged = sorted(
        column.removeprefix("summary.test/")
        for column in runs
        if column.startswith("summary.test/") and column not in unnamed and runs[column].notna().any()
    )
    if name in METRICS and (name in logged or not logged):
        return METRICS[name]
    if name not in logged:
        raise TableError(
            f"no run has a value of the metric {name!r}; these have {', '.join(logged)}. run_ablation.py with "
            f"--metrics {name} adds it, to finished runs too"
        )
    columns = {fact: f"config.metrics.{name}.{fact}" for fact in FACTS}
    if columns["label"] not in runs:
        raise TableError(f"no run says whether a lower test/{name} is better; log it with run_ablation.py --metrics")
    described = runs[runs[columns["label"]].map(present)].sort_values("started", na_position="first", kind="stable")
    newest = described.iloc[-1]
    return Metric(name, **{fact: newest[column] for fact, column in columns.items() if present(newest.get(column))})
