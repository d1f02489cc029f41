"""The paper's conclusions compared with these runs; `python -m analysis.results.verdict TABLE` needs no runs."""

from __future__ import annotations

import argparse
import math
import signal
import sys
from collections import Counter

import pandas as pd
import scipy.stats

from analysis.published.cells import PublishedError
from analysis.results import claims
from analysis.results.protocol import Protocol
from analysis.results.verdict_lines import OWN_WORDS, WORDS, Line, Verdict, verdict_text
from analysis.schema import ERROR, Metric
from analysis.stats.judge import judge
from analysis.stats.paired import holm
from analysis.study import Study

NAMED_PAIRS = 6  # of the other pairs, a line names this many and counts the rest; all are in claims_table


def claims_table(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """One row per pairwise claim of the paper, those about the baseline first.

    better, worse: variants, as the paper ranks them; against_baseline; gap: the paper's, in percentage points, NaN
    where the worse one fails; difference, low, high, pairs: ours, worse - better, paired by seed, so above 0 agrees;
    p_holm: adjusted over the claims against the baseline, and over the others; failures_p, verdict, why, seeds, of:
    see `judge.Judgement`. Where the paper prints differences to the baseline in place of errors, those are its claims.
    No rows where it prints nothing to compare.
    """
    cells = table.assign(value=table["paper"], failed=table["paper_failed"].astype(bool))
    baseline = table.index[table["baseline"]][0]
    found = claims.pairs(cells, baseline)
    if found.empty:
        found = claims.stated(study.stated[study.stated.index.isin(table.index)], baseline)
    outcomes = study.outcomes
    judged = [judge(outcomes[c.better], outcomes[c.worse], c.gap) for c in claims.rows_of(found)]
    found = found.assign(
        difference=[j.difference.mean for j in judged],
        low=[j.difference.low for j in judged],
        high=[j.difference.high for j in judged],
        pairs=[j.difference.n for j in judged],
        p=[j.difference.p for j in judged],
        failures_p=[j.failures_p for j in judged],
        verdict=[j.word for j in judged],
        why=[j.why for j in judged],
        seeds=pd.array([j.seeds for j in judged], dtype="Int64"),
        of=[j.of for j in judged],
    )
    adjusted = [pd.Series(holm(list(of["p"])), index=of.index) for _, of in found.groupby("against_baseline")]
    found.attrs["metric"] = study.metric
    return found.assign(p_holm=pd.concat(adjusted) if adjusted else math.nan)


def verdict(table: pd.DataFrame, study: Study, protocol: Protocol, found: pd.DataFrame) -> Verdict:
    """table: of the variants; found: `claims_table(table, study)`."""
    if study.declared.published is None:
        return _own_verdict(table, study.metric)
    lines = tuple(_line(name, table, found, study.metric) for name in table.index[~table["baseline"]])
    if found.empty:
        return Verdict(_header(protocol, study.metric), lines, ())
    further = (_count(found), *_others(found, table), *rank_agreement(table), *_noise(table, study))
    return Verdict(_header(protocol, study.metric), lines, further)


def _own_verdict(table: pd.DataFrame, metric: Metric) -> Verdict:
    """Of runs without a published table: each variant against the baseline, and the best if there is one."""
    label = table["label"][table["baseline"]].iloc[0]
    rows = [row for _, row in table[~table["baseline"]].iterrows()]
    lines = tuple(Line(row["label"], None, _ours(row, metric), "", row["reading"]) for row in rows)
    count = Counter(line.badge for line in lines)
    counts = ", ".join(f"{count[word]} {word}" for word in (*OWN_WORDS, "undecided"))
    best = [
        f"{name} is better than every other variant, by the 95 % interval of each paired difference."
        for name in table["label"][table["best"]]
    ]
    headline = f"Of {len(lines)} variant{'s' * (len(lines) != 1)} compared with {label}: {counts}."
    return Verdict(f"Compared with {label}, paired by seed.", lines, (headline, *best), " ".join([headline, *best]))


def rank_agreement(table: pd.DataFrame) -> list[str]:
    """Kendall's tau-b (1945) between the paper's cells and our medians, failures tied last: one line or none."""
    paper = table["paper"].mask(table["paper_failed"].astype(bool), math.inf)
    ours = table["median"].mask(table["fails"].astype(bool), math.inf)
    both = paper.notna() & ours.notna()
    if both.sum() < 3 or paper[both].nunique() < 2 or ours[both].nunique() < 2:
        return []
    found = scipy.stats.kendalltau(paper[both].rank(), ours[both].rank())
    return [
        f"Rank agreement of {both.sum()} cells, paper and ours: Kendall tau-b = {found.statistic:.2f}, p = "
        f"{found.pvalue:.2g} (1: same order, 0: unrelated, −1: reversed)."
    ]


def _header(protocol: Protocol, metric: Metric) -> str:
    if metric.published is None:
        return f"Against the baseline in {metric.label}, which the papers do not print."
    if protocol.setting is None:
        return "There is no published result to compare these runs with."
    if protocol.deviations:
        return "Against the baseline, under a protocol other than the paper's: compare directions, not sizes."
    return "Against the baseline, with the paper's net, data set and recipe."


def _line(name: str, table: pd.DataFrame, found: pd.DataFrame, metric: Metric) -> Line:
    row, baseline = table.loc[name], table[table["baseline"]].iloc[0]
    claim = found[found["against_baseline"] & ((found["better"] == name) | (found["worse"] == name))]
    if len(claim):
        word, said = claim["verdict"].iloc[0], _verdict(claim.iloc[0])
    else:
        both_fail = row["paper_failed"] and baseline["paper_failed"]
        equal = abs(row["paper"] - baseline["paper"]) < claims.EQUAL or both_fail
        word, said = "", "the paper claims no difference" if equal else "nothing published to compare with"
    return Line(row["label"], _paper(name, row, baseline, claim), _ours(row, metric), word, said)


def _paper(name: str, row: pd.Series, baseline: pd.Series, claim: pd.DataFrame) -> str:
    if len(claim) and pd.isna(row["paper"]) and not row["paper_failed"]:  # printed as a difference
        return f"{'worse' if claim['worse'].iloc[0] == name else 'better'} by {claim['gap'].iloc[0]:.2f}"
    if row["paper_failed"]:
        return "fails"
    if baseline["paper_failed"] and not pd.isna(row["paper"]):
        return "better (the baseline fails)"
    gap = row["paper"] - baseline["paper"]
    if pd.isna(gap):
        return ""
    return "equal" if abs(gap) < claims.EQUAL else f"{'worse' if gap > 0 else 'better'} by {abs(gap):.2f}"


def _ours(row: pd.Series, metric: Metric) -> str:
    if row["fails"] or pd.isna(row["difference"]):
        return row["reading"]
    direction = "worse" if metric.sign * row["difference"] > 0 else "better"
    digits, size = metric.digits, abs(row["difference"])
    text = f"{direction} by {size:.{digits}f}" if size >= 0.5 * 10**-digits else "equal"
    if pd.isna(row["low"]):
        return f"{text} ({row['reading']})"
    interval = f"[{row['low']:+.{digits}f}, {row['high']:+.{digits}f}]".replace("-", "−")
    return f"{text} {interval}, p after Holm = {row['p_holm']:.2g}"


def _verdict(claim: pd.Series) -> str:
    if claim["verdict"] != "undecided" or claim["why"]:
        return verdict_text(claim["verdict"], claim["why"])
    text = f"undecided with {claim['pairs']} seed{'s' if claim['pairs'] != 1 else ''}"
    if pd.isna(claim["seeds"]):
        return text
    seen = f"the paper's {claim['gap']:.2f}" if claim["of"] == "paper" else "a difference as large as the one seen here"
    return f"{text}; about {claim['seeds']} would show {seen} with a power of 0.8"


def _count(found: pd.DataFrame) -> str:
    """How many of the claims about the baseline got each verdict, and how many hold after correction."""
    mine = found[found["against_baseline"]]
    if mine.empty:
        return "No published claim is about the baseline."
    numbers = mine["verdict"].value_counts()
    by_pairs = mine[(mine["verdict"] != "undecided") & (mine["why"] == "")]
    kept = int((by_pairs["p_holm"] < 0.05).sum())
    text = ", ".join(f"{word} {numbers.get(word, 0)}" for word in WORDS)
    after = f"; {kept} of the {len(by_pairs)} decided by pairs hold after Holm's correction" if len(by_pairs) else ""
    return (
        f"{len(mine)} claim{'s' * (len(mine) != 1)} about the baseline, each judged on its own at 5 %: {text}{after}."
    )


def _others(found: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """The pairs without the baseline, one line per verdict; undecided ones are only counted."""
    others = found[~found["against_baseline"]]
    lines = []
    for word in WORDS if len(others) else ():
        mine = others[others["verdict"] == word]
        text = f"Other pairs, {word}: {len(mine)} of {len(others)}"
        if len(mine) and word != "undecided":
            labels = table["label"]
            names = [f"{labels[c.better]} < {labels[c.worse]}" for c in claims.rows_of(mine.head(NAMED_PAIRS))]
            more = f", and {len(mine) - NAMED_PAIRS} more" if len(mine) > NAMED_PAIRS else ""
            text += f" ({', '.join(names)}{more})"
        lines.append(text + ".")
    return lines


def _noise(table: pd.DataFrame, study: Study) -> list[str]:
    """Which claims about the baseline the paper's own noise could not support; none where it prints no spread."""
    cells = study.paper
    noise = None if cells.dataset is None or study.metric != ERROR else claims.noise_of(cells.net or "", cells.dataset)
    baseline = table.index[table["baseline"]][0]
    if noise is None or baseline not in cells.by_variant.index:
        return []
    found = claims.support(cells.by_variant, baseline, noise)
    weak = found[found["against_baseline"] & ~found["supported"].astype(bool)]
    head = f"The paper's own noise (std {noise.std:.2f}, {noise.source})"
    if weak.empty:
        return [f"{head} could support each of its claims about the baseline."]
    labels = table["label"]
    names = ", ".join(f"{labels[c.better]} < {labels[c.worse]} by {c.gap:.2f}" for c in claims.rows_of(weak))
    return [f"{head} could not support {len(weak)} of its claims about the baseline: {names}."]


def main() -> int:
    """Print what the noise of each published table supports; status 2 for an unknown table."""
    parser = argparse.ArgumentParser(
        "python -m analysis.results.verdict", description="What a paper's own noise can support."
    )
    parser.add_argument("tables", nargs="*", default=["he2016_table1", "he2016_table2"], help="published tables")
    for name in parser.parse_args().tables:
        try:
            parts = claims.tables(name)
        except PublishedError as error:
            print(f"verdict: {error}", file=sys.stderr)
            return 2
        print(f"{name}:" if parts else f"{name}: no two of its cells may be compared")
        for net, dataset, cells in parts:
            print(*claims.noise_lines(net, cells, dataset, str(cells.index[0])), sep="\n")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` has read what it wants: end quietly
    sys.exit(main())
