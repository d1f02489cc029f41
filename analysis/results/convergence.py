"""Whether the runs were long enough for the question: is the training error still falling when they end?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.study import Study

STILL_FALLING = 0.5  # percentage points an epoch; the papers' differences are of this size
SHARE = 0.1  # of a run's epochs, over whose end the fall is taken


def fall_per_epoch(study: Study) -> pd.Series:
    """Run id -> (e(T - k) - e(T)) / k in percentage points, e(t) the training error of epoch t, T the last one.

    k: SHARE of the epochs, at least 1. Of the runs that count and did not fail; none without two epochs.
    """
    history, counted = study.history, study.counted
    finished = set(counted.loc[~counted["failed"], "run_id"])
    if "train/error" not in history or not finished:
        return pd.Series(dtype=float)
    curves = history[history["run_id"].isin(finished) & history["train/error"].notna()].sort_values("epoch")
    falls = {}
    for run_id, curve in curves.groupby("run_id", sort=False):
        errors, epochs = curve["train/error"].to_numpy(float), curve["epoch"].to_numpy(float)
        if len(errors) > 1:
            first = max(0, len(errors) - 1 - max(1, round(SHARE * len(errors))))
            falls[run_id] = (errors[first] - errors[-1]) / (epochs[-1] - epochs[first])
    return pd.Series(falls, dtype=float)


def convergence_lines(study: Study) -> list[str]:
    """One line where the median run is not converged, or has one epoch only; else none."""
    if study.declared.meaning:  # the steps of others' logs may not be epochs
        return []
    falls = fall_per_epoch(study)
    if falls.empty:
        once = len(study.counted) > 0 and study.counted["epochs"].max() == 1 and "train/error" in study.history
        return ["Not converged: the runs end after one epoch."] * bool(once)
    median = float(np.median(falls))
    if median < STILL_FALLING:
        return []
    return [
        f"Not converged: the training error of the last epoch is still falling by {median:.1f} percentage points an "
        f"epoch (median of {len(falls)} runs), so longer training may change the verdicts."
    ]
