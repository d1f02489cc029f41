"""The table of an ablation: the paper's cell, ours, the gap, and the difference to the baseline paired by seed."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd

from analysis.results.judged import judged_by_variant
from analysis.stats.decision import Decision, decide, reading
from analysis.stats.judge import Judgement
from analysis.stats.paired import Summary, bootstrap_interval, gaps, summarise
from analysis.stats.power import smallest_difference
from analysis.study import Study
from analysis.study.check import check


def variants_table(study: Study) -> pd.DataFrame:
    """One row per variant, in the ablation's order; values of the study's metric and differences in its unit.

    label; baseline (is this row the baseline); paper, paper_failed, paper_confirmed: the published cell;
    median, mean, std, n, failed: of the metric in the last epoch, see `paired.summarise`; n counts finished runs
    that are not failed; fails: at least half of the runs failed; gap = median - paper, where the data set is the
    paper's; difference, low, high, pairs, p_adjusted: variant minus baseline, see `decision.Decision`: one of as many
    comparisons as the ablation declares; reading: the difference in words; boot_low, boot_high: the 95 % interval of
    the difference alone by bootstrap, from 8 pairs up; detectable: the difference that this number of pairs with this
    spread shows with a power of 0.8; best: shown to be better than every other variant; parameters, multiply_adds;
    minutes: median training time per run; run_ids: the runs behind the row.

    A variant without a run is a row with n = 0. What is missing or repeated is in `study.problems`.
    Raises TableError if the runs differ in anything but the factors and the seed.
    """
    check(study)
    judged = judged_by_variant(study)
    rows = {name: _row(name, study, judged.get(name)) for name in study.declared.variants}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("variant")
    best = _best(table, study)
    table["best"] = [name == best for name in table.index]
    table.attrs |= {"metric": study.metric, "design": study.design}
    return table


def _best(table: pd.DataFrame, study: Study) -> str | None:
    """The variant that is better than every other; one that fails in half its runs loses to one that never fails.

    Each of its comparisons is decided as those to the baseline are, for any variant might have come out first.
    """
    errors, sign = study.errors, study.metric.sign
    ran = table[table["n"] + table["failed"] > 0]
    sound = ran[(ran["failed"] == 0) & ran["median"].notna()]
    if len(ran) < 2 or sound.empty:
        return None
    name = (sign * sound["median"]).idxmin()
    for other in ran.index.drop(name):
        if not ran.at[other, "fails"] and decide(gaps(errors[name], errors[other]), study.design).sign != sign:
            return None
    return str(name) if table.at[name, "n"] > 1 else None


def _row(name: str, study: Study, judged: Judgement | None) -> dict[str, object]:
    """judged: None for the baseline."""
    mine, declared, errors, cells = study.runs_of(name), study.declared, study.errors, study.paper
    ours = summarise(list(errors[name].values()), int(mine["failed"].sum()), study.metric.sign)
    decision = judged.decision if judged else decide([], study.design)
    against = decision.difference
    once = judged is not None and not study.design.looks  # a bootstrap interval would not hold at every look
    drawn = bootstrap_interval(gaps(errors[declared.baseline], errors[name]) if once else [])
    cell = cells.by_variant.loc[name] if name in cells.by_variant.index else None
    paper = math.nan if cell is None else float(cell["value"])
    return {
        "label": declared.labels[name],
        "baseline": judged is None,
        "paper": paper,
        "paper_failed": cell is not None and bool(cell["failed"]),
        "paper_confirmed": cell is None or bool(cell["confirmed"]),
        "median": ours.median,
        "gap": ours.median - paper if study.setting("data.name") == cells.dataset else math.nan,
        "mean": ours.mean,
        "std": ours.std,
        "n": ours.n,
        "failed": ours.failed,
        "fails": ours.fails,
        "difference": against.mean,
        "low": against.low,
        "high": against.high,
        "pairs": against.n,
        "p_adjusted": decision.p,
        "reading": "" if judged is None else _reading(judged, ours, study.metric.sign),
        "boot_low": drawn[0],
        "boot_high": drawn[1],
        "detectable": smallest_difference(against.std, against.n, alpha=study.design.claim_alpha),
        "parameters": _one(mine, "config.parameters"),
        "multiply_adds": _one(mine, "config.multiply_adds"),
        "minutes": _one(mine, "summary.time/train_s") / 60,
        "run_ids": " ".join(mine["run_id"]),
    }


def _reading(judged: Judgement, ours: Summary, sign: int) -> str:
    """The difference in words; for a variant that fails, how often."""
    if ours.n + ours.failed == 0:
        return "not run"
    if ours.fails:
        return f"fails in {ours.failed} of {ours.n + ours.failed} runs"
    decision: Decision = replace(judged.decision, equivalent=judged.word == "equivalent")
    return reading(decision, "no seed shared with the baseline", sign)


def _one(runs: pd.DataFrame, column: str) -> float:
    """The median of a number that every run of a variant logs; NaN where none does."""
    return float(pd.to_numeric(runs[column]).median()) if column in runs and len(runs) else math.nan
