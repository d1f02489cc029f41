"""The paper's claims about the variants, each judged by these runs."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd

from analysis.results import claims
from analysis.stats.equivalence import pair_correlation, probability_better
from analysis.stats.judge import Judgement, judge
from analysis.stats.outcomes import Outcomes
from analysis.stats.paired import gaps
from analysis.study import Study


def published_claims(study: Study) -> pd.DataFrame:
    """The claims about all declared variants, run or not: from the paper's cells (`claims.pairs`), or else from the
    differences to the baseline that it prints (`claims.stated`). No rows where it prints nothing to compare.
    """
    cells, declared = study.paper.by_variant, study.declared
    found = claims.pairs(pd.DataFrame(), declared.baseline)
    if len(cells):
        every = cells.reindex(declared.variants)
        found = claims.pairs(every.assign(failed=every["failed"].eq(True)), declared.baseline)
    if found.empty:
        known = study.stated.index.isin(declared.variants)
        found = claims.stated(study.stated[known], declared.baseline)
    return found


def claims_table(study: Study) -> pd.DataFrame:
    """One row per pairwise claim of the paper, those about the baseline first.

    better, worse: variants, as the paper ranks them; against_baseline; gap: the paper's, in percentage points, NaN
    where the worse one fails; difference, low, high, pairs: ours, worse - better, paired by seed, so above 0 agrees;
    p_adjusted, equivalence_p: see `decision.Decision`; share, share_low, share_high: P(better < worse), see
    `equivalence.probability_better`; correlation: of the two errors of a seed; failures_p, verdict, why, seeds, of: see
    `judge.Judgement`. The claims about the baseline belong to the study's family of comparisons; those about other
    pairs are a family of their own, as large as the paper makes it.
    """
    found = published_claims(study)
    outcomes = study.outcomes
    others = replace(study.design, family=int((~found["against_baseline"]).sum()))
    rows = []
    for claim in claims.rows_of(found):
        better, worse = outcomes[claim.better], outcomes[claim.worse]
        design = study.design if claim.against_baseline else others
        rows.append(_row(judge(better, worse, claim.gap, design, study.margin), better, worse))
    table = pd.concat([found, pd.DataFrame(rows, columns=COLUMNS, index=found.index)], axis=1)
    table["seeds"] = table["seeds"].astype("Int64")
    table.attrs["metric"] = study.metric
    return table.rename_axis("claim")


COLUMNS = ["difference", "low", "high", "pairs", "p_adjusted", "equivalence_p", "share", "share_low", "share_high",
           "correlation", "failures_p", "verdict", "why", "seeds", "of"]  # fmt: skip


def _row(judged: Judgement, better: Outcomes, worse: Outcomes) -> dict[str, object]:
    shared = sorted(better.errors.keys() & worse.errors.keys())
    share = probability_better(gaps(better.errors, worse.errors))
    return {
        "difference": judged.difference.mean,
        "low": judged.difference.low,
        "high": judged.difference.high,
        "pairs": judged.difference.n,
        "p_adjusted": judged.decision.p,
        "equivalence_p": judged.decision.equivalence_p,
        "share": share.share,
        "share_low": share.low,
        "share_high": share.high,
        "correlation": pair_correlation([better.errors[s] for s in shared], [worse.errors[s] for s in shared]),
        "failures_p": judged.failures_p,
        "verdict": judged.word,
        "why": judged.why,
        "seeds": judged.seeds,
        "of": judged.of,
    }


def judged_by_variant(study: Study) -> dict[str, Judgement]:
    """Variant -> its difference to the baseline, as one of the study's comparisons: "replicates" means worse here."""
    found, baseline = published_claims(study), study.declared.baseline
    mine = claims.rows_of(found[found["against_baseline"]])
    gap = {claim.worse if claim.better == baseline else claim.better: claim.gap for claim in mine}
    return {
        name: judge(study.outcomes[baseline], outcomes, gap.get(name, math.nan), study.design, study.margin)
        for name, outcomes in study.outcomes.items()
        if name != baseline
    }
