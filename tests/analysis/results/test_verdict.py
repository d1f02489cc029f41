"""The paper's claims against runs with planted outcomes."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import scipy.stats

from analysis.published.recipes import RECIPES
from analysis.results.findings import Findings
from analysis.results.verdict import rank_agreement
from analysis.stats.judge import judge
from analysis.stats.outcomes import Outcomes
from analysis.stats.paired import paired_difference
from analysis.stats.power import power
from tests.analysis.example import ERRORS


def test_verdicts(ablation_runs):
    errors = ERRORS | {
        "bn_after_add": {0: 8.0, 1: 8.2, 2: 8.2},  # paper: worse
        "relu_before_add": {0: 6.0, 1: 6.0, 2: 6.2},  # paper: worse
        "relu_only_preact": {0: 6.1, 1: None, 2: 6.2},  # paper: worse; ours better but for its failed run
        "full_preact": {0: 6.3, 1: 6.39, 2: 6.5},  # paper: better
    }
    findings = Findings.from_frames(ablation_runs(errors))
    lines = findings.verdict.lines
    assert [line.word for line in lines] == ["replicates", "contradicted", "undecided", "replicates"]
    assert [line.label for line in lines][:2] == ["BN after addition", "ReLU before addition"]
    assert (lines[0].paper, lines[0].ours.partition(" [")[0]) == ("worse by 1.56", "worse by 1.53")
    undecided = findings.claims.set_index(["better", "worse"]).loc[("original", "relu_only_preact")]
    assert (undecided["pairs"], undecided["seeds"], undecided["of"]) == (2, 11, "paper")
    # four comparisons share 5 %, and pairs and failures share what this one gets; std of -0.4 and -0.5
    shown = [power(0.10, 0.1 / math.sqrt(2), n, alpha=0.05 / 8) for n in (10, 11)]
    assert shown[0] < 0.8 <= shown[1]
    assert findings.protocol.deviations == ()


def test_a_better_mean_of_the_surviving_runs_contradicts_nothing(ablation_runs):
    survivors = {0: 5.00, 1: 5.11, 2: 5.19, 3: None}
    runs = ablation_runs({"original": {0: 6.5, 1: 6.6, 2: 6.7, 3: 6.6}, "bn_after_add": survivors})
    line = Findings.from_frames(runs).verdict.lines[0]
    assert (line.word, line.said) == ("undecided", "undecided: failed runs are left out of the pairs")


@pytest.mark.parametrize(
    ("failing", "ours", "word"),
    [
        (dict.fromkeys(range(5)), "fails in 5 of 5 runs", "replicates"),
        (dict.fromkeys(range(3)) | {3: 8.0, 4: 8.1}, "fails in 3 of 5 runs", "undecided"),
    ],
)
def test_failures_decide_where_chance_does_not_explain_them(ablation_runs, failing, ours, word):
    # under equal rates 5 of 5 against 0 of 5 comes in 2 / 1024 at most, and four comparisons share 5 %
    runs = ablation_runs(ERRORS | {"original": dict.fromkeys(range(5), 6.6), "bn_after_add": failing})
    line = Findings.from_frames(runs).verdict.lines[0]
    assert (line.paper, line.ours, line.word) == ("worse by 1.56", ours, word)


def test_a_baseline_that_fails_beside_a_variant_that_does_not_is_the_reverse(ablation_runs):
    runs = ablation_runs({"original": dict.fromkeys(range(5)), "bn_after_add": dict.fromkeys(range(5), 8.0)})
    line = Findings.from_frames(runs).verdict.lines[0]
    assert (line.paper, line.word) == ("worse by 1.56", "contradicted")


def test_every_pair_of_cells_is_a_claim_the_baselines_first(ablation_runs):
    runs = ablation_runs(ERRORS)
    findings = Findings.from_frames(runs)
    found = findings.claims
    assert len(found) == 10
    assert list(found["against_baseline"]) == [True] * 4 + [False] * 6
    row = found[(found["better"] == "full_preact") & (found["worse"] == "relu_only_preact")].iloc[0]
    assert row["gap"] == pytest.approx(0.34)
    assert (row["difference"], row["pairs"]) == (pytest.approx(0.3), 3)  # 0.2, 0.2, 0.5
    p = [paired_difference(ERRORS[c.better], ERRORS[c.worse]).p for c in found.itertuples()]
    assert list(found["p_adjusted"]) == pytest.approx([min(1, 4 * q) for q in p[:4]] + [min(1, 6 * q) for q in p[4:]])
    others = found[~found["against_baseline"]]
    for word, count in others["verdict"].value_counts().items():
        assert any(line.startswith(f"Other pairs, {word}: {count} of 6") for line in findings.verdict.texts())


def test_more_seeds_of_the_same_spread_decide_as_often_as_was_said():
    better, worse = {0: 6.5, 1: 6.7, 2: 6.3}, {0: 6.6, 1: 6.7, 2: 6.6}
    judged = judge(Outcomes(better), Outcomes(worse), gap=0.24)
    assert judged.word == "undecided"
    assert power(0.24, judged.difference.std, judged.seeds) >= 0.8
    assert power(0.24, judged.difference.std, judged.seeds - 1) < 0.8


def test_ranks_with_failures_tied_last(ablation_runs):
    # paper: full 6.37, original 6.61, relu_only 6.71, relu_before 7.84, bn_after 8.17
    errors = {name: {0: error} for name, error in zip(ERRORS, (6.6, 9.0, 7.8, 6.7, 6.3), strict=True)}
    assert "of 5 cells" in rank_agreement(Findings.from_frames(ablation_runs(errors)).variants)[0]
    assert "tau-b = 1.00" in rank_agreement(Findings.from_frames(ablation_runs(errors)).variants)[0]
    # two fail: 9 of 10 pairs agree, one is tied in ours: 9 / sqrt(10 * 9)
    errors |= {"bn_after_add": {0: None}, "relu_before_add": {0: None}}
    line = rank_agreement(Findings.from_frames(ablation_runs(errors)).variants)[0]
    assert f"tau-b = {9 / math.sqrt(90):.2f}" in line


def test_the_papers_own_noise_is_said_with_the_verdict(ablation_runs):
    last = Findings.from_frames(ablation_runs(ERRORS)).verdict.further[-1]
    assert "std 0.16, ResNet-110 on CIFAR-10, He et al. 2015" in last
    assert last.endswith("original < ReLU-only pre-activation by 0.10, full pre-activation < original by 0.24.")


def test_without_a_published_table_there_is_no_claim(ablation_runs):
    runs = ablation_runs(ERRORS, ablation__published=None)
    findings = Findings.from_frames(runs)
    assert findings.claims.empty
    assert {line.word for line in findings.verdict.lines} == {""}
    assert [line.badge for line in findings.verdict.lines] == ["undecided", "undecided", "undecided", "undecided"]


def test_the_command_ends_quietly_when_its_reader_has_gone():
    command = f"{sys.executable} -m analysis.results.verdict he2016_table1 he2016_table2 | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=Path(__file__).resolve().parents[3])
    assert (done.stdout, done.stderr) == ("he2016_table1:\n", "")


def parts_runs(ablation_runs, errors, **changed):
    """Runs of AlexNet's parts; the paper prints differences to the whole net: no LRN +1.4, no overlap +0.4 points."""
    declared = {
        "ablation__name": "alexnet_parts",
        "ablation__baseline": "whole",
        "ablation__variants": ["whole", "no_lrn", "no_overlap"],
        "ablation__labels": ["the whole", "no LRN", "no overlap"],
        "ablation__published": "krizhevsky2012_parts",
        "ablation__paper_net": None,
    }
    return ablation_runs(errors, **declared, **changed)


def test_what_a_paper_prints_as_differences_is_claimed_too(ablation_runs):
    errors = {
        "whole": {0: 40.0, 1: 40.2, 2: 40.1},
        "no_lrn": {0: 41.4, 1: 41.5, 2: 41.6},
        "no_overlap": {0: 39.0, 1: 39.1, 2: 39.2},
    }
    runs = parts_runs(ablation_runs, errors)
    findings = Findings.from_frames(runs)
    assert "net" in findings.protocol.deviations
    lrn, overlap = findings.verdict.lines
    assert (lrn.paper, lrn.ours.partition(" [")[0], lrn.word) == ("worse by 1.40", "worse by 1.40", "replicates")
    assert (overlap.paper, overlap.ours.partition(" [")[0]) == ("worse by 0.40", "better by 1.00")
    assert overlap.word == "contradicted"


def test_differences_under_the_papers_protocol(ablation_runs):
    errors = {"whole": {0: 40.0, 1: 40.2}, "no_lrn": {0: 40.1, 1: 40.1}}
    alexnet = {f"recipe__{key}": value for key, value in RECIPES["krizhevsky2012_parts"].items()}
    runs = parts_runs(ablation_runs, errors, net__name="alexnet_2012", data__name="imagenet", **alexnet)
    findings = Findings.from_frames(runs)
    assert findings.protocol.deviations == ()
    lrn = findings.verdict.lines[0]
    assert (lrn.paper, lrn.word) == ("worse by 1.40", "undecided")


EIGHT = {  # worse by about 2, better by about 0.4, equal within 0.02, better by about 0.3
    "original": {k: 6.5 + 0.03 * k for k in range(8)},
    "bn_after_add": {k: 8.5 + 0.03 * k + 0.1 * (k % 3) for k in range(8)},
    "relu_before_add": {k: 6.1 + 0.03 * k + 0.05 * (k % 2) for k in range(8)},
    "relu_only_preact": {k: 6.5 + 0.03 * k + 0.02 * (-1) ** k for k in range(8)},
    "full_preact": {k: 6.2 + 0.03 * k + 0.04 * (k % 4) for k in range(8)},
}


def test_the_four_words(ablation_runs):
    """Within the paper's 0.10 of ReLU-only pre-activation the difference is shown to be next to nothing."""
    found = Findings.from_frames(ablation_runs(EIGHT))
    words = ["replicates", "contradicted", "equivalent", "replicates"]
    assert [line.word for line in found.verdict.lines] == words
    assert found.verdict.headline == (
        "Of the paper's 4 claims about original, 2 replicate, 1 is contradicted and 1 shows equivalence."
    )
    assert found.verdict.lines[2].said == "equivalent: less than the paper's 0.10 apart"
    assert "times the paper's difference, the other way round; P(original < ReLU before" in found.verdict.lines[1].size
    claim = found.claims[found.claims["verdict"] == "equivalent"].iloc[0]
    one_sided = scipy.stats.ttest_1samp([0.02, -0.02] * 4, 0.10, alternative="less").pvalue
    assert claim["equivalence_p"] == pytest.approx(4 * one_sided)


def test_the_headline_is_the_last_line_and_no_other_sentence_counts_the_verdicts(ablation_runs):
    for runs in (ablation_runs(EIGHT), ablation_runs(ERRORS), ablation_runs(EIGHT, ablation__published=None)):
        found = Findings.from_frames(runs).verdict
        assert found.texts()[-1] == found.headline
        counts = ("claims about original,", "compared with original:")
        assert not [line for line in found.texts()[:-1] if any(said in line for said in counts)]


@pytest.mark.parametrize("shown", [("bn_after_add",), ("full_preact",), ("relu_before_add", "relu_only_preact")])
@pytest.mark.parametrize("published", ["he2016_table2", None])
def test_a_subset_of_the_variants_has_the_p_values_intervals_and_verdicts_of_the_whole(ablation_runs, shown, published):
    for errors in (ERRORS, EIGHT):
        whole = Findings.from_frames(ablation_runs(errors, ablation__published=published))
        few = {name: errors[name] for name in ("original", *shown)}
        part = Findings.from_frames(ablation_runs(few, ablation__published=published))
        columns = ["difference", "low", "high", "p_adjusted", "reading", "detectable"]
        pd.testing.assert_frame_equal(part.variants.loc[list(shown), columns], whole.variants.loc[list(shown), columns])
        mine = [found.claims.set_index(["better", "worse"]) for found in (part, whole)]
        run = mine[0].index[mine[0]["verdict"] != "not run"]
        pd.testing.assert_frame_equal(mine[0].loc[run], mine[1].loc[run])
        assert len(run) == (0 if published is None else len(shown) + (len(shown) == 2))
        left = 4 - len(shown)
        assert f"{left} not run" in part.verdict.headline or f"{left} were not run" in part.verdict.headline


def test_two_pairs_decide_nothing_however_small_their_p(ablation_runs):
    two = {"original": {0: 6.5, 1: 6.6}, "bn_after_add": {0: 8.5, 1: 8.6001}}
    found = Findings.from_frames(ablation_runs(two))
    assert found.variants.at["bn_after_add", "p_adjusted"] < 0.01
    assert found.variants.at["bn_after_add", "reading"] == "two seeds: too few to decide"
    assert found.claims["verdict"].tolist()[0] == "undecided"


def test_a_margin_comes_before_a_sign_and_the_papers_difference_after_it(ablation_runs):
    """Better by 0.26 on average: shown to be so, and shown to be less than 0.5."""
    runs = ablation_runs({name: EIGHT[name] for name in ("original", "full_preact")})
    assert Findings.from_frames(runs).verdict.lines[-1].word == "replicates"
    within = Findings.from_frames(runs, margin=0.5)
    assert within.verdict.lines[-1].said == "equivalent: less than 0.5 apart"
    assert (within.verdict.lines[-1].word, within.variants.at["full_preact", "reading"]) == ("equivalent",) * 2
    own = Findings.from_frames(runs.assign(**{"config.ablation.published": None}), margin=0.5)
    assert own.verdict.headline.startswith(
        "Of 4 variants compared with original: 0 better, 0 worse, 1 equivalent, 0 undecided, 3 not run"
    )


def test_the_size_is_said_beside_the_papers_with_how_often_and_the_correlation(ablation_runs):
    found = Findings.from_frames(ablation_runs(EIGHT))
    line, claim = found.verdict.lines[0], found.claims.iloc[0]
    errors = [list(EIGHT[name].values()) for name in ("original", "bn_after_add")]
    assert claim["correlation"] == pytest.approx(scipy.stats.pearsonr(*errors).statistic)
    times = claim["difference"] / 1.56
    # Wilson's interval of 8 of 8 at 95 %: from 8 / (8 + z^2)
    assert line.size == (
        f"{times:.1f} times the paper's difference; P(original < BN after addition) = 1.00 "
        f"[{8 / (8 + scipy.stats.norm.ppf(0.975) ** 2):.2f}, 1.00]; correlation of the pairs {claim['correlation']:.2f}"
    )
