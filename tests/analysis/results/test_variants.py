"""The table of variants against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest

from analysis.output.render import to_markdown
from analysis.results.findings import Findings
from tests.analysis.example import ERRORS

T_3 = 8.860200  # t(1 - 0.05 / 8) with 2 degrees of freedom: four comparisons share 5 %


def test_paper_ours_and_gap(ablation_runs):
    table = Findings.from_frames(ablation_runs(ERRORS)).variants
    assert list(table["paper"]) == [6.61, 8.17, 7.84, 6.71, 6.37]
    assert list(table["median"]) == [6.6, 8.6, 6.6, 6.5, 6.3]
    assert list(table["gap"]) == pytest.approx([-0.01, 0.43, -1.24, -0.21, -0.07])
    assert list(table["n"]) == [3] * 5
    assert list(table["label"])[:2] == ["original", "BN after addition"]
    assert list(table["minutes"]) == [1.5] * 5


def test_differences_are_paired_with_the_baseline_and_adjusted_over_the_variants(ablation_runs):
    table = Findings.from_frames(ablation_runs(ERRORS)).variants
    row = table.loc["bn_after_add"]
    assert (row["difference"], row["low"]) == pytest.approx((2.0, 2 - T_3 / math.sqrt(3)), abs=1e-5)
    assert row["reading"] == "no difference shown"
    full = table.loc["full_preact"]
    assert (full["difference"], full["high"]) == pytest.approx((-0.3, -0.3 + T_3 * 0.1 / math.sqrt(3)), abs=1e-5)
    assert full["reading"] == "no difference shown"
    # t = 3 sqrt(3) with 2 degrees of freedom: p = 1 - t / sqrt(2 + t^2), one of four
    t = 3 * math.sqrt(3)
    assert full["p_adjusted"] == pytest.approx(4 * (1 - t / math.sqrt(2 + t * t)))
    assert math.isnan(table.loc["original", "p_adjusted"])


def test_a_diverged_run_is_counted_never_averaged(ablation_runs):
    runs = ablation_runs(ERRORS | {"full_preact": {0: 6.3, 1: None, 2: 6.1}})
    row = Findings.from_frames(runs).variants.loc["full_preact"]
    assert (row["n"], row["failed"], row["pairs"]) == (2, 1, 2)
    assert row["mean"] == pytest.approx(6.2)
    assert row["median"] == 6.3  # of 6.1, 6.3 and a failure


def test_a_variant_half_of_whose_runs_fail_is_fail(ablation_runs):
    errors = ERRORS | {"bn_after_add": {0: 25.0, 1: None, 2: 8.0}}
    paper = Findings.from_frames(ablation_runs(errors, ablation__failure_error=20.0)).variants
    assert (paper.loc["bn_after_add", "failed"], bool(paper.loc["bn_after_add", "fails"])) == (2, True)
    assert "| BN after addition | 8.17 | fail |  | 8.00 | 1 | 2 |" in to_markdown(paper)
    no_line = Findings.from_frames(ablation_runs(errors)).variants
    assert (no_line.loc["bn_after_add", "failed"], bool(no_line.loc["bn_after_add", "fails"])) == (1, False)


def test_an_error_on_the_failure_line_is_not_above_it(ablation_runs):
    runs = ablation_runs({"original": {0: 20.0}}, ablation__failure_error=20.0)
    assert Findings.from_frames(runs).variants.loc["original", "failed"] == 0


def test_a_missing_variant_is_a_row_without_runs(ablation_runs):
    runs = ablation_runs({"original": {0: 6.5}, "full_preact": {0: 6.3}})
    table = Findings.from_frames(runs).variants
    assert list(table["n"]) == [1, 0, 0, 0, 1]
    assert table.loc["bn_after_add", "reading"] == "not run"
    assert table.loc["full_preact", "reading"] == "one seed: no interval"
    assert "bn_after_add: no run" in Findings.from_frames(runs).problems
