"""The table of an ablation: the paper's cell, ours, the gap, and the difference to the baseline paired by seed."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from analysis import comparable
from analysis.comparable import ERROR, Declaration, TableError, problems
from analysis.protocol import PaperCells, paper_cells, protocol_note, same_protocol
from analysis.render import to_csv, to_latex, to_markdown, to_rich
from analysis.statistics import Difference, Summary, holm, paired_difference, summarise
from analysis.verdict import verdict_lines

__all__ = [
    "TableError",
    "ablation_table",
    "problems",
    "protocol_note",
    "same_protocol",
    "to_csv",
    "to_latex",
    "to_markdown",
    "to_rich",
    "verdict_lines",
    "write",
]

NO_DIFFERENCE = "no difference shown"


def ablation_table(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a variant, in the ablation's order; errors and differences in percent and percentage points.

    label; baseline (is this row the baseline); paper, paper_failed, paper_confirmed: the published cell;
    median, mean, std, n, failed: of the last epoch's test error, see `statistics.summarise`; n counts finished runs
    that are not failed; fails: at least half of the runs failed; gap = median - paper; difference, low, high, pairs,
    p_holm: variant minus baseline, 95 % interval, Holm over the rows; reading: that in words; parameters,
    multiply_adds; minutes: median training time a run; run_ids: the runs the row rests on.

    A variant without a run is a row with n = 0. What is missing or doubled is in `problems(runs)`.
    Raises TableError if the runs differ in anything but factor and seed.
    """
    comparable.check(runs)
    declared = comparable.declaration(runs)
    cells = paper_cells(runs, declared)
    counted = comparable.compared(runs)
    counted = counted.assign(failed=comparable.failed(counted, declared.failure_error))
    errors = {name: _errors(counted, name) for name in declared.variants}
    rows = {name: _row(name, counted, errors, declared, cells) for name in declared.variants}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("variant")
    table["p_holm"] = holm(table.pop("p"))
    return table


def _errors(counted: pd.DataFrame, variant: str) -> dict[int, float]:
    """Last-epoch test error by seed of the runs that did not fail."""
    kept = counted[(counted["variant"] == variant) & ~counted["failed"]]
    return {int(seed): float(error) for seed, error in zip(kept["seed"], kept.get(ERROR, ()), strict=True)}


def _row(
    name: str, counted: pd.DataFrame, errors: dict[str, dict[int, float]], declared: Declaration, cells: PaperCells
) -> dict[str, object]:
    mine = counted[counted["variant"] == name]
    ours = summarise(list(errors[name].values()), failed=int(mine["failed"].sum()))
    against = paired_difference(errors[declared.baseline], errors[name])
    is_baseline = name == declared.baseline
    if is_baseline:
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
        "reading": "" if is_baseline else _reading(against, ours),
        "parameters": _one(mine, "config.parameters"),
        "multiply_adds": _one(mine, "config.multiply_adds"),
        "minutes": _one(mine, "summary.time/train_s") / 60,
        "run_ids": " ".join(mine["run_id"]),
    }


def _reading(against: Difference, ours: Summary) -> str:
    """The difference in words; who left the pairs is said."""
    if ours.n + ours.failed == 0:
        return "not run"
    if ours.fails:
        return f"fails in {ours.failed} of {ours.n + ours.failed} runs"
    if against.n == 0:
        return "no seed shared with the baseline"
    if against.n == 1:
        return "one seed: no interval"
    if math.isnan(against.low):
        return NO_DIFFERENCE if against.mean == 0 else "all differences equal: no interval"
    if not against.decided:
        return NO_DIFFERENCE
    return "worse" if against.mean > 0 else "better"


def _one(runs: pd.DataFrame, column: str) -> float:
    """The median of a number that every run of a variant logs; NaN where none does."""
    return float(pd.to_numeric(runs[column]).median()) if column in runs and len(runs) else math.nan


def write(table: pd.DataFrame, runs: pd.DataFrame, folder: str | Path, name: str) -> list[Path]:
    """The paths of `name`.md (with protocol, verdicts and problems), .csv (every number, unrounded) and .tex."""
    declared, note = comparable.declaration(runs), protocol_note(runs)
    parts = [f"# {declared.question or declared.name}", note, to_markdown(table)]
    parts.append("\n".join(f"- {line}" for line in verdict_lines(table, runs)))
    if found := problems(runs):
        parts.append("\n".join(["Not as a complete ablation would have it:", "", *(f"- {line}" for line in found)]))
    texts = {"md": "\n\n".join(parts) + "\n", "csv": to_csv(table), "tex": to_latex(table, caption=note)}
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = []
    for suffix, text in texts.items():
        path = Path(folder) / f"{name}.{suffix}"
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths
