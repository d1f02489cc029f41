"""What a study lacks: runs that are missing, run twice, unfinished or damaged."""

from __future__ import annotations

import pandas as pd

from analysis.study.study import COUNTED, Study, run_names
from analysis.study.values import brief, comparable

MOST_DIFFERENCES = 20


def problems(study: Study) -> list[str]:
    """One line for each thing that a complete study would not have; nothing is hidden."""
    runs = study.runs
    names = run_names(runs)
    left_out = runs[~runs["outcome"].isin(COUNTED)]
    lines = [
        f"{names[i]}: {outcome}, not counted ({source})"
        for i, outcome, source in zip(left_out.index, left_out["outcome"], left_out["source"], strict=True)
    ]
    lines += [f"{study.declared.name}: {line}" for line in study.declared.damage]
    lines += [f"{name}: {line}" for name, damage in zip(names, runs["damage"], strict=True) for line in damage]
    ended = runs[runs["outcome"].isin(COUNTED)]
    repeated = ended[ended["seed"].notna() & ended.duplicated(["variant", "seed"], keep=False)]
    for (variant, seed), same in repeated.groupby(["variant", "seed"], sort=False):
        ids = ", ".join(same["run_id"])
        lines.append(f"{variant}: seed {seed} was run {len(same)} times ({ids}); the newest is used")
    finished = ended[ended["outcome"] == "finished"]
    longest = finished["epochs"].max()
    no_value = finished.get(study.metric.column, pd.Series(index=finished.index)).isna()
    for i in finished.index[no_value | (finished["epochs"] < longest)]:
        if no_value[i]:
            key = f"test/{study.metric.name}"
            not_finite = key in runs.at[i, "not_finite"] if "not_finite" in runs else False
            found = f"its {key} is not finite" if not_finite else f"its log has no {key}"
            lines.append(f"{names[i]}: {found}, not counted")
        if finished.at[i, "epochs"] < longest:
            lines.append(f"{names[i]}: its log holds {finished.at[i, 'epochs']} of {longest} epochs")
    lines += [f"{names[i]}: its log holds no seed, not counted" for i in ended.index[ended["seed"].isna()]]
    lines += [f"{names[i]}: its log names no variant, not counted" for i in ended.index[ended["variant"] == ""]]
    lines += [
        f"{name}: {study.without_epoch[run_id]} log calls without an epoch are in no curve"
        for name, run_id in zip(names, runs["run_id"], strict=True)
        if run_id in study.without_epoch
    ]
    return lines + _missing(study) + _other_differences(study)


def _other_differences(study: Study) -> list[str]:
    """In logs of others, the settings in which the counted runs differ besides the variant and the seed."""
    declared, counted = study.declared, study.counted
    if not declared.meaning:
        return []
    lines, own = [], []
    for column in (column for column in counted if column.startswith("config.")):
        key = column.removeprefix("config.")
        values = counted[column].map(comparable)
        by_variant = values.groupby(counted["variant"]).nunique()
        if key.startswith(("ablation.", "metrics.")) or column in declared.factors or values.nunique() < 2:
            continue
        if (values.groupby(counted["seed"]).nunique() == 1).all() and by_variant.max() > 1:
            continue  # the seed under another name
        if values.nunique() == len(counted):
            own.append(column)
        else:
            counts = ", ".join(f"{brief(value)} in {n}" for value, n in list(values.value_counts().items())[:4])
            lines.append(f"the runs also differ in {column}: {counts} runs")
    lines = lines[:MOST_DIFFERENCES] + [f"and in {len(lines) - MOST_DIFFERENCES} more"] * (
        len(lines) > MOST_DIFFERENCES
    )
    return lines + ([f"every run has a value of its own of {', '.join(own[:8])}"] if own else [])


def _missing(study: Study) -> list[str]:
    lines = []
    seeds = set(study.counted["seed"])
    for variant in study.declared.variants:
        has = set(study.runs_of(variant)["seed"])
        if not has:
            lines.append(f"{variant}: no run")
        elif missing := sorted(seed for seed in seeds - has if study.declared.rounds is None or seed < max(has)):
            plural = len(missing) > 1
            numbers = ", ".join(map(str, missing))
            lines.append(f"{variant}: seed{'s' * plural} {numbers} {'are' if plural else 'is'} missing")
    return lines
