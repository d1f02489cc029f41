"""The table of an ablation: the paper's cell, ours, the gap, and the difference to the baseline paired by seed."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from analysis.stats.paired import (
    Difference,
    Summary,
    bootstrap_interval,
    gaps,
    holm,
    paired_difference,
    reading,
    summarise,
)
from analysis.stats.power import smallest_difference
from analysis.study import Study
from analysis.study.check import check


def variants_table(study: Study) -> pd.DataFrame:
    """One row per variant, in the ablation's order; values of the study's metric and differences in its unit.

    label; baseline (is this row the baseline); paper, paper_failed, paper_confirmed: the published cell;
    median, mean, std, n, failed: of the metric in the last epoch, see `paired.summarise`; n counts finished runs
    that are not failed; fails: at least half of the runs failed; gap = median - paper; difference, low, high, pairs,
    p_holm: variant minus baseline, 95 % interval, Holm over the rows; reading: the difference in words; boot_low,
    boot_high: the same interval by bootstrap, from 8 pairs up; detectable: the difference that this number of pairs
    with this spread shows with a power of 0.8; best: better than every other variant, each by its 95 % interval;
    parameters, multiply_adds; minutes: median training time per run; run_ids: the runs behind the row.

    A variant without a run is a row with n = 0. What is missing or repeated is in `study.problems`.
    Raises TableError if the runs differ in anything but the factors and the seed.
    """
    check(study)
    rows = {name: _row(name, study) for name in study.declared.variants}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("variant")
    table["p_holm"] = holm(list(table.pop("p")))
    best = _best(table, study.errors, study.metric.sign)
    table["best"] = [name == best for name in table.index]
    table.attrs["metric"] = study.metric
    return table


def _best(table: pd.DataFrame, errors: Mapping[str, Mapping[int, float]], sign: int) -> str | None:
    """The variant that is better than every other; one that fails in half its runs loses to one that never fails.

    It must beat every other, so the tests need no correction (Berger 1982, Technometrics 24).
    """
    ran = table[table["n"] + table["failed"] > 0]
    sound = ran[(ran["failed"] == 0) & ran["median"].notna()]
    if len(ran) < 2 or sound.empty:
        return None
    name = (sign * sound["median"]).idxmin()
    for other in ran.index.drop(name):
        if not ran.at[other, "fails"] and not _better(errors[name], errors[other], sign):
            return None
    return str(name) if table.at[name, "n"] > 1 else None


def _better(ours: Mapping[int, float], theirs: Mapping[int, float], sign: int) -> bool:
    """The interval of the paired difference excludes 0 on the better side."""
    difference = paired_difference(theirs, ours)
    return difference.high < 0 if sign > 0 else difference.low > 0


def _row(name: str, study: Study) -> dict[str, object]:
    mine, declared, errors, cells = study.runs_of(name), study.declared, study.errors, study.paper
    ours = summarise(list(errors[name].values()), int(mine["failed"].sum()), study.metric.sign)
    against = paired_difference(errors[declared.baseline], errors[name])
    is_baseline = name == declared.baseline
    drawn = bootstrap_interval(gaps(errors[declared.baseline], errors[name]))
    if is_baseline:
        drawn = (math.nan, math.nan)
        against = Difference(math.nan, math.nan, math.nan, math.nan, 0)
    cell = cells.by_variant.loc[name] if name in cells.by_variant.index else None
    paper = math.nan if cell is None else float(cell["value"])
    return {
        "label": declared.labels[name],
        "baseline": is_baseline,
        "paper": paper,
        "paper_failed": cell is not None and bool(cell["failed"]),
        "paper_confirmed": cell is None or bool(cell["confirmed"]),
        "median": ours.median,
        "gap": ours.median - paper,
        "mean": ours.mean,
        "std": ours.std,
        "n": ours.n,
        "failed": ours.failed,
        "fails": ours.fails,
        "difference": against.mean,
        "low": against.low,
        "high": against.high,
        "pairs": against.n,
        "p": against.p,
        "reading": "" if is_baseline else _reading(against, ours, study.metric.sign),
        "boot_low": drawn[0],
        "boot_high": drawn[1],
        "detectable": smallest_difference(against.std, against.n),
        "parameters": _one(mine, "config.parameters"),
        "multiply_adds": _one(mine, "config.multiply_adds"),
        "minutes": _one(mine, "summary.time/train_s") / 60,
        "run_ids": " ".join(mine["run_id"]),
    }


def _reading(against: Difference, ours: Summary, sign: int) -> str:
    """The difference in words; for a variant that fails, how often."""
    if ours.n + ours.failed == 0:
        return "not run"
    if ours.fails:
        return f"fails in {ours.failed} of {ours.n + ours.failed} runs"
    return reading(against, "no seed shared with the baseline", sign)


def _one(runs: pd.DataFrame, column: str) -> float:
    """The median of a number that every run of a variant logs; NaN where none does."""
    return float(pd.to_numeric(runs[column]).median()) if column in runs and len(runs) else math.nan
