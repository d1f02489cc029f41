"""The learning curves of a report as data: bounded in size, whatever the number of runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.output.figures.style import LABELS
from analysis.study import Study
from analysis.study.looks import COLOURS

MOST_SEEDS = 10  # drawn one by one per variant; median and range always include all seeds
MOST_EPOCHS = 200  # per curve; longer ones are thinned evenly, keeping the first and last epoch
DASHES = ("", "7 3", "2 3", "9 3 2 3")  # for colours used again, so that 24 variants and the baseline differ


def curve_data(study: Study) -> dict[str, Any]:
    """{"step": word, "metrics": {key: label}, "variants": [{name, label, colour, dash, baseline, curves}]}.

    curve: {"epoch", "median", "low", "high", "n": lists, one entry per epoch; "seeds": {"0": list}, None where not
    logged; "diverged": [seed]}. Median, minimum and maximum are over the seeds that did not diverge.
    """
    declared, drawn, look = study.declared, study.drawn, study.looks
    rows = study.history[study.history["run_id"].isin(drawn["run_id"])]
    diverged = set(drawn.loc[drawn["outcome"] == "diverged", "run_id"])
    others = [name for name in declared.variants if name != declared.baseline]
    dash = {name: DASHES[i // len(COLOURS) % len(DASHES)] for i, name in enumerate(others)}
    metrics = {key: label for key, label in LABELS.items() if key in rows and rows[key].notna().any()}
    variants = []
    for name in declared.variants:
        mine = rows[rows["variant"] == name]
        if len(mine):
            variants.append(
                {
                    "name": name,
                    "label": declared.labels[name],
                    "colour": look[name].colour,
                    "dash": dash.get(name, ""),
                    "baseline": name == declared.baseline,
                    "curves": {key: _curve(mine, key, diverged) for key in metrics},
                }
            )
    return {"step": declared.step, "metrics": metrics, "variants": variants}


def _curve(rows: pd.DataFrame, metric: str, diverged: set[str]) -> dict[str, Any]:
    """One variant's curve of one metric."""
    by_seed = rows.pivot(index="epoch", columns="seed", values=metric).astype(float)
    by_seed = by_seed.replace([np.inf, -np.inf], np.nan)
    kept = sorted({round(i) for i in np.linspace(0, len(by_seed) - 1, min(len(by_seed), MOST_EPOCHS))})
    by_seed = by_seed.iloc[kept]
    lost = set(rows.loc[rows["run_id"].isin(diverged), "seed"])
    sound = by_seed[[seed for seed in by_seed if seed not in lost]]
    drawn = list(by_seed)[:MOST_SEEDS]
    return {
        "epoch": [int(epoch) for epoch in by_seed.index],
        "median": _numbers(sound.median(axis=1)),
        "low": _numbers(sound.min(axis=1)),
        "high": _numbers(sound.max(axis=1)),
        "n": [int(n) for n in sound.notna().sum(axis=1)],
        "seeds": {str(seed): _numbers(by_seed[seed]) for seed in drawn},
        "diverged": [str(seed) for seed in drawn if seed in lost],
    }


def _numbers(values: pd.Series) -> list[float | None]:
    return [None if np.isnan(value) else float(f"{value:.5g}") for value in values]
