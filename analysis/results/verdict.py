"""The paper's conclusions compared with these runs; `python -m analysis.results.verdict TABLE` needs no runs."""

from __future__ import annotations

import argparse
import math
import signal
import sys

import pandas as pd
import scipy.stats

from analysis.published.cells import PublishedError
from analysis.results import claims
from analysis.results.convergence import convergence_lines
from analysis.results.protocol import Protocol
from analysis.results.verdict_lines import OWN_WORDS, WORDS, Line, Verdict, counted, verdict_text
from analysis.schema import ERROR, Metric
from analysis.stats.decision import FEWEST_PAIRS
from analysis.study import Study

NAMED_PAIRS = 6  # of the other pairs, a line names this many and counts the rest; all are in claims_table


def verdict(table: pd.DataFrame, study: Study, protocol: Protocol, found: pd.DataFrame) -> Verdict:
    """table: of the variants; found: `claims_table(study)`."""
    header, converged = _header(protocol, study), tuple(convergence_lines(study))
    if found.empty:
        return _own_verdict(table, study, header, converged)
    lines = tuple(_line(name, table, found, study) for name in table.index[~table["baseline"]])
    further = (*_others(found, table), *rank_agreement(table), *_noise(table, study), *converged)
    return Verdict(header, lines, further, headline(found, study))


def headline(found: pd.DataFrame, study: Study) -> str:
    """What became of the paper's claims about the baseline, in one sentence; without any, of all its claims."""
    about, baseline = found[found["against_baseline"]], study.declared.labels[study.declared.baseline]
    claim, mine = f"claim{'s' * (len(about) != 1)} about {baseline}", about
    if about.empty:
        claim, mine = f"pairwise claim{'s' * (len(found) != 1)}", found
    return f"Of the paper's {len(mine)} {claim}, {counted(mine['verdict'])}."


def _own_verdict(table: pd.DataFrame, study: Study, header: str, converged: tuple[str, ...]) -> Verdict:
    """Where no paper claims anything: each variant against the baseline, and the best if there is one."""
    label = table["label"][table["baseline"]].iloc[0]
    rows = [row for _, row in table[~table["baseline"]].iterrows()]
    lines = tuple(Line(row["label"], None, _ours(row, study.metric), "", row["reading"]) for row in rows)
    words = [line.badge for line in lines]
    shown = (*(word for word in OWN_WORDS if word != "equivalent" or study.margin is not None), "undecided")
    counts = ", ".join(f"{words.count(word)} {word}" for word in shown)
    counts += f", {words.count('not run')} not run" * ("not run" in words)
    best = [f"; {name} is better than every other variant" for name in table["label"][table["best"]]]
    said = f"Of {len(lines)} variant{'s' * (len(lines) != 1)} compared with {label}: {counts}{''.join(best)}."
    return Verdict(header, lines, converged, said)


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


def _header(protocol: Protocol, study: Study) -> str:
    if study.declared.published is None:
        said = f"Compared with {study.declared.labels[study.declared.baseline]}, paired by seed."
    elif study.metric.published is None:
        said = f"Against the baseline in {study.metric.label}, which the papers do not print."
    elif protocol.setting is None:
        said = f"The paper reports no {study.metric.label} that these runs could confirm or contradict."
    elif protocol.deviations:
        said = "Against the baseline, under a protocol other than the paper's: compare directions, not sizes."
    else:
        said = "Against the baseline, with the paper's net, data set and recipe."
    unit = f" {study.metric.difference_unit}" if study.metric.difference_unit else ""
    within = "" if study.margin is None else f" Differences below {study.margin:g}{unit} do not matter."
    return f"{said} {study.design.text}{within}"


def _line(name: str, table: pd.DataFrame, found: pd.DataFrame, study: Study) -> Line:
    row, baseline = table.loc[name], table[table["baseline"]].iloc[0]
    claim = found[found["against_baseline"] & ((found["better"] == name) | (found["worse"] == name))]
    paper, ours = _paper(name, row, baseline, claim), _ours(row, study.metric)
    if len(claim):
        mine = claim.iloc[0]
        return Line(row["label"], paper, ours, mine["verdict"], _said(mine, study.margin), _size(mine, table["label"]))
    both_fail = row["paper_failed"] and baseline["paper_failed"]
    equal = abs(row["paper"] - baseline["paper"]) < claims.EQUAL or both_fail
    return Line(
        row["label"],
        paper,
        ours,
        "",
        "the paper claims no difference" if equal else "nothing published to compare with",
    )


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
    p = row["p_adjusted"]
    said = "" if pd.isna(p) else ", adjusted p < 0.001" if p < 0.001 else f", adjusted p = {p:.2g}"
    return f"{text} {interval}{said}"


def _said(claim: pd.Series, margin: float | None) -> str:
    if claim["verdict"] == "equivalent":
        within = f"{margin:g}" if margin is not None else f"the paper's {claim['gap']:.2f}"
        return f"equivalent: less than {within} apart"
    if claim["verdict"] != "undecided" or claim["why"]:
        return verdict_text(claim["verdict"], claim["why"])
    text = f"undecided with {claim['pairs']} pair{'s' if claim['pairs'] != 1 else ''}"
    if pd.isna(claim["seeds"]):
        return text
    seen = f"the paper's {claim['gap']:.2f}" if claim["of"] == "paper" else "a difference as large as the one seen here"
    return f"{text}; about {claim['seeds']} would show {seen} with a power of 0.8"


def _size(claim: pd.Series, labels: pd.Series) -> str:
    """How large the difference is beside the paper's, how often it shows, and what pairing is worth."""
    if claim["pairs"] < FEWEST_PAIRS:
        return ""
    times = abs(claim["difference"]) / claim["gap"] if claim["gap"] > 0 else math.nan
    reverse = ", the other way round" if claim["verdict"] == "contradicted" else ""
    said = [f"{times:.{1 if times < 10 else 0}f} times the paper's difference{reverse}"]
    said = said if claim["verdict"] in ("replicates", "contradicted") and not math.isnan(times) else []
    said.append(
        f"P({labels[claim['better']]} < {labels[claim['worse']]}) = {claim['share']:.2f} "
        f"[{claim['share_low']:.2f}, {claim['share_high']:.2f}]"
    )
    if not math.isnan(claim["correlation"]):
        said.append(f"correlation of the pairs {claim['correlation']:.2f}".replace("-", "−"))
    return "; ".join(said)


def _others(found: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """The pairs without the baseline, one line per verdict; undecided ones are only counted."""
    others = found[~found["against_baseline"]]
    lines = []
    for word in WORDS if len(others) else ():
        mine = others[others["verdict"] == word]
        if mine.empty:
            continue
        text = f"Other pairs, {word}: {len(mine)} of {len(others)}"
        if word not in ("undecided", "not run"):
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
