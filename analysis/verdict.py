"""The paper's conclusions against these runs: replicates, contradicted, or undecided."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.comparable import declaration
from analysis.protocol import deviations, paper_cells


def verdict_lines(table: pd.DataFrame, runs: pd.DataFrame) -> list[str]:
    """A header, then one line a variant: the paper's cells against the baseline's, and what ours show.

    replicates: the 95 % interval of the paired difference excludes 0, with the paper's sign; contradicted: with the
    other sign; undecided: it spans 0, or there are fewer than two pairs. A variant most of whose runs fail is worse
    than a baseline whose runs do not, from two runs up; one that is better only by its runs that did not fail is
    undecided.
    """
    baseline = table[table["baseline"]].iloc[0]
    return [_header(runs)] + [
        f"{row['label']}: paper {_paper(row, baseline)}; ours {_ours(row)}: {_verdict(row, baseline)}"
        for _, row in table[~table["baseline"]].iterrows()
    ]


def _header(runs: pd.DataFrame) -> str:
    if paper_cells(runs, declaration(runs)).net is None:
        return "There is no published result to hold these runs against."
    if deviations(runs):
        return "Against the baseline, under another protocol than the paper's: a sign can agree, the numbers need not."
    return "Against the baseline, under the paper's net, data set and recipe."


def _paper(row: pd.Series, baseline: pd.Series) -> str:
    if row["paper_failed"]:
        return "fails"
    gap = row["paper"] - baseline["paper"]
    if pd.isna(gap):
        return "has no number"
    return "equal" if abs(gap) < 0.005 else f"{'worse' if gap > 0 else 'better'} by {abs(gap):.2f}"


def _ours(row: pd.Series) -> str:
    if row["fails"] or pd.isna(row["difference"]):
        return row["reading"]
    direction = "worse" if row["difference"] > 0 else "better"
    text = f"{direction} by {abs(row['difference']):.2f}" if abs(row["difference"]) >= 0.005 else "equal"
    if pd.isna(row["low"]):
        return f"{text} ({row['reading']})"
    return f"{text} [{row['low']:+.2f}, {row['high']:+.2f}], p = {row['p_holm']:.2g}"


def _verdict(row: pd.Series, baseline: pd.Series) -> str:
    paper = 1 if row["paper_failed"] else _sign(row["paper"] - baseline["paper"])
    ours = _sign(row["difference"]) if row["low"] > 0 or row["high"] < 0 else 0
    if row["fails"] and not baseline["fails"] and row["n"] + row["failed"] > 1 and baseline["n"] > 1:
        ours = 1
    if baseline["paper_failed"] or pd.isna(paper):
        return "nothing published to compare with"
    lost = row["failed"] - baseline["failed"]
    if not row["fails"] and ((ours < 0 < lost) or (ours > 0 > lost)):
        return "undecided, for the runs that failed are in no pair"
    if ours == 0:
        return f"undecided with {row['pairs']} seed{'s' * (row['pairs'] != 1)}"
    return "replicates" if ours == paper else "contradicted"


def _sign(value: float) -> float:
    return float(np.sign(value))
