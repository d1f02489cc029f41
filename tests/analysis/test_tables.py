"""The table against numbers worked out by hand, planted faults in its runs, and its printed forms."""

from __future__ import annotations

import io
import math
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from analysis import tables
from analysis.tables import TableError

# Differences to original: bn_after_add 1, 2, 3; full_preact -0.2, -0.3, -0.4.
ERRORS = {
    "original": {0: 6.5, 1: 6.6, 2: 6.7},
    "bn_after_add": {0: 7.5, 1: 8.6, 2: 9.7},
    "relu_before_add": {0: 6.6, 1: 6.5, 2: 6.8},
    "relu_only_preact": {0: 6.5, 1: 6.5, 2: 6.8},
    "full_preact": {0: 6.3, 1: 6.3, 2: 6.3},
}
T_3 = 4.302653  # t(0.975) with 2 degrees of freedom


def test_paper_ours_and_gap(ablation_runs):
    table = tables.ablation_table(ablation_runs(ERRORS))
    assert list(table["paper"]) == [6.61, 8.17, 7.84, 6.71, 6.37]
    assert list(table["median"]) == [6.6, 8.6, 6.6, 6.5, 6.3]
    assert list(table["gap"]) == pytest.approx([-0.01, 0.43, -1.24, -0.21, -0.07])
    assert list(table["n"]) == [3] * 5
    assert list(table["label"])[:2] == ["original", "BN after addition"]
    assert list(table["minutes"]) == [1.5] * 5


def test_differences_are_paired_with_the_baseline_and_adjusted_over_the_variants(ablation_runs):
    table = tables.ablation_table(ablation_runs(ERRORS))
    row = table.loc["bn_after_add"]
    assert (row["difference"], row["low"]) == pytest.approx((2.0, 2 - T_3 / math.sqrt(3)), abs=1e-5)
    assert row["reading"] == "no difference shown"
    full = table.loc["full_preact"]
    assert (full["difference"], full["high"]) == pytest.approx((-0.3, -0.3 + T_3 * 0.1 / math.sqrt(3)), abs=1e-5)
    assert full["reading"] == "better"
    # t = 3 sqrt(3) with 2 degrees of freedom: p = 1 - t / sqrt(2 + t^2), the smallest of four
    t = 3 * math.sqrt(3)
    assert full["p_holm"] == pytest.approx(4 * (1 - t / math.sqrt(2 + t * t)))
    assert math.isnan(table.loc["original", "p_holm"])


def test_a_diverged_run_is_counted_never_averaged(ablation_runs):
    runs = ablation_runs(ERRORS | {"full_preact": {0: 6.3, 1: None, 2: 6.1}})
    row = tables.ablation_table(runs).loc["full_preact"]
    assert (row["n"], row["failed"], row["pairs"]) == (2, 1, 2)
    assert row["mean"] == pytest.approx(6.2)
    assert row["median"] == 6.3  # of 6.1, 6.3 and a failure


def test_a_variant_half_of_whose_runs_fail_is_fail(ablation_runs):
    errors = ERRORS | {"bn_after_add": {0: 25.0, 1: None, 2: 8.0}}
    paper = tables.ablation_table(ablation_runs(errors, ablation__failure_error=20.0))
    assert (paper.loc["bn_after_add", "failed"], bool(paper.loc["bn_after_add", "fails"])) == (2, True)
    assert "| BN after addition | 8.17 | fail |  | 8.00 | 1 | 2 |" in tables.to_markdown(paper)
    no_line = tables.ablation_table(ablation_runs(errors))
    assert (no_line.loc["bn_after_add", "failed"], bool(no_line.loc["bn_after_add", "fails"])) == (1, False)


def test_an_error_on_the_failure_line_is_not_above_it(ablation_runs):
    runs = ablation_runs({"original": {0: 20.0}}, ablation__failure_error=20.0)
    assert tables.ablation_table(runs).loc["original", "failed"] == 0


def test_a_missing_variant_is_a_row_without_runs(ablation_runs):
    runs = ablation_runs({"original": {0: 6.5}, "full_preact": {0: 6.3}})
    table = tables.ablation_table(runs)
    assert list(table["n"]) == [1, 0, 0, 0, 1]
    assert table.loc["bn_after_add", "reading"] == "not run"
    assert table.loc["full_preact", "reading"] == "one seed: no interval"
    assert "bn_after_add: no run" in tables.problems(runs)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("config.recipe.learning_rate", 0.05, "recipe.learning_rate, which is not the factor: 0.05 in full_preact-s1;"),
        ("config.recipe.iterations", 64_001, "recipe.iterations"),
        ("config.recipe.warmup", 0.00625000001, "recipe.warmup"),
        ("config.recipe.drops", [0.5, 0.8], "recipe.drops"),
        ("config.recipe.nesterov", None, "recipe.nesterov"),
        ("config.data.train_images", 45_000, "data.train_images"),
        ("config.net.name", "resnet56", "net.name"),
        ("config.threads", 2, "threads"),
        ("config.device", "cuda", "device"),
        ("config.net.order", "original", "the runs of full_preact differ in their factor net.order"),
        ("profile", "quick", "runs of 2 profiles"),
        ("ablation", "resnet_shortcut", "runs of 2 ablations"),
    ],
)
def test_a_planted_second_difference_is_refused(ablation_runs, column, value, said):
    runs = ablation_runs(ERRORS)
    runs[column] = runs[column].astype(object)
    runs.at[runs.index[runs["name"] == "full_preact-s1"][0], column] = value
    with pytest.raises(TableError, match=said) as caught:
        tables.ablation_table(runs)
    assert "\n" not in str(caught.value)


def test_equal_settings_in_another_type_are_no_difference(ablation_runs):
    runs = ablation_runs(ERRORS)
    runs["config.recipe.batch_size"] = runs["config.recipe.batch_size"].astype(object)
    runs.at[3, "config.recipe.batch_size"] = 128.0
    runs.at[4, "config.recipe.drops"] = (0.5, 0.75)
    assert len(tables.ablation_table(runs)) == 5


def test_runs_that_are_not_the_benchs_own_are_refused(ablation_runs):
    runs = ablation_runs(ERRORS)
    foreign = runs[[column for column in runs if not column.startswith("config.")]]
    with pytest.raises(TableError, match="no run's config says which ablation"):
        tables.ablation_table(foreign)


def test_a_complete_ablation_has_no_problems(ablation_runs):
    assert tables.problems(ablation_runs(ERRORS)) == []


def test_what_is_missing_doubled_or_damaged_is_listed(ablation_runs):
    runs = ablation_runs(ERRORS | {"full_preact": {0: 6.3, 1: 6.2}})
    runs.at[0, "outcome"] = "crashed"
    runs.at[1, "damage"] = ["run.wandb: bad checksum at byte 512"]
    runs.at[4, "epochs"] = 160
    again = runs.iloc[[5]].assign(run_id="again", started=pd.Timestamp("2026-02-01", tz="UTC"))
    again["summary.test/error"] = 9.1
    runs = pd.concat([runs, again], ignore_index=True)
    assert tables.problems(runs) == [
        "original-s0: crashed, not counted (runs/original/seed0)",
        "original-s1: run.wandb: bad checksum at byte 512",
        "bn_after_add: seed 2 was run 2 times (bn_after_add2, again); the newest counts",
        "bn_after_add-s1: its log holds 160 of 164 epochs",
        "original: lacks seed 0",
        "full_preact: lacks seed 2",
    ]
    table = tables.ablation_table(runs)
    assert table.loc["original", "n"] == 2
    assert table.loc["bn_after_add", "mean"] == pytest.approx((7.5 + 8.6 + 9.1) / 3)
    assert table.loc["bn_after_add", "run_ids"].split() == ["bn_after_add0", "bn_after_add1", "again"]


def test_a_finished_run_without_an_error_is_listed_not_counted(ablation_runs):
    runs = ablation_runs(ERRORS)
    runs.at[2, "summary.test/error"] = math.nan
    assert "original-s2: finished without a test error in its log, not counted" in tables.problems(runs)
    assert tables.ablation_table(runs).loc["original", "n"] == 2


def test_the_note_says_whether_it_is_the_papers_protocol(ablation_runs):
    assert tables.protocol_note(ablation_runs(ERRORS)) == (
        "Paper: ResNet-110 on CIFAR-10, 64,000 iterations, median of 5 (He et al. 2016). Ours: ResNet-110 on CIFAR-10, "
        "3 seeds, 164 epochs (64,000 iterations): the paper's net, data set and recipe."
    )
    changed = {"net__name": "resnet8", "data__name": "digits", "recipe__iterations": 264}
    assert tables.protocol_note(ablation_runs(ERRORS, **changed)).endswith(
        "Ours: ResNet-8 on digits, 3 seeds, 164 epochs (264 iterations): another protocol (net, data, iterations), "
        "so the gap is not a reproduction error."
    )


def test_the_cells_are_those_of_the_runs_own_net_or_else_of_the_papers(ablation_runs):
    own = tables.ablation_table(ablation_runs(ERRORS, net__name="resnet164"))
    assert list(own["paper"]) == [5.93, 6.50, 6.14, 5.91, 5.46]
    assert tables.same_protocol(ablation_runs(ERRORS, net__name="resnet164"))
    assert not tables.same_protocol(ablation_runs(ERRORS, net__name="resnet20"))
    assert tables.ablation_table(ablation_runs(ERRORS, net__name="resnet20"))["paper"].iloc[0] == 6.61


def test_without_a_published_table_there_is_no_paper_and_no_gap(ablation_runs):
    runs = ablation_runs(ERRORS, ablation__published=None)
    table = tables.ablation_table(runs)
    assert table[["paper", "gap"]].isna().all(axis=None)
    assert tables.protocol_note(runs).endswith("There is no published cell to compare with.")


def test_verdicts(ablation_runs):
    errors = ERRORS | {
        "bn_after_add": {0: 8.0, 1: 8.2, 2: 8.2},  # paper: worse
        "relu_before_add": {0: 6.0, 1: 6.0, 2: 6.2},  # paper: worse
        "relu_only_preact": {0: 6.1, 1: None, 2: 6.2},  # paper: worse; ours better but for its failed run
    }
    runs = ablation_runs(errors)
    header, *lines = tables.verdict_lines(tables.ablation_table(runs), runs)
    assert header == "Against the baseline, under the paper's net, data set and recipe."
    assert [line.rsplit(": ", 1)[1] for line in lines] == [
        "replicates",
        "contradicted",
        "undecided with 2 seeds",
        "replicates",
    ]
    assert lines[0].startswith("BN after addition: paper worse by 1.56; ours worse by 1.53 [")
    other = ablation_runs(errors, net__name="resnet20")
    assert "another protocol" in tables.verdict_lines(tables.ablation_table(other), other)[0]


def test_a_better_mean_of_the_surviving_runs_contradicts_nothing(ablation_runs):
    survivors = {0: 5.00, 1: 5.11, 2: 5.19, 3: None}
    runs = ablation_runs({"original": {0: 6.5, 1: 6.6, 2: 6.7, 3: 6.6}, "bn_after_add": survivors})
    line = tables.verdict_lines(tables.ablation_table(runs), runs)[1]
    assert line.endswith("undecided, for the runs that failed are in no pair")


def test_a_variant_that_fails_is_worse_than_a_baseline_that_does_not(ablation_runs):
    runs = ablation_runs(ERRORS | {"bn_after_add": {0: None, 1: None, 2: 8.0}})
    line = tables.verdict_lines(tables.ablation_table(runs), runs)[1]
    assert line == "BN after addition: paper worse by 1.56; ours fails in 2 of 3 runs: replicates"


def test_latex_escapes_headings_cells_and_caption(ablation_runs):
    labels = ["50 % of x_1", "b", "c", "d", "e"]
    runs = ablation_runs(ERRORS, ablation__labels=labels)
    text = tables.to_latex(tables.ablation_table(runs), caption="95 % of a_b")
    assert r"50 \% of x\_1" in text
    assert r"\caption{95 \% of a\_b}" in text
    assert "%" not in text.replace(r"\%", "")
    assert "_" not in text.replace(r"\_", "")
    assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule"))
    assert text.isascii()


def test_markdown_has_as_many_cells_in_every_row(ablation_runs):
    runs = ablation_runs(ERRORS, ablation__labels=["a | b", "b", "c", "d", "e"])
    rows = [line for line in tables.to_markdown(tables.ablation_table(runs)).splitlines() if line.startswith("|")]
    assert len(rows) == 7
    assert {row.replace(r"\|", "").count("|") for row in rows} == {14}


def test_csv_keeps_every_digit(ablation_runs):
    table = tables.ablation_table(ablation_runs(ERRORS))
    read = pd.read_csv(io.StringIO(tables.to_csv(table)), index_col="variant").fillna({"reading": ""})
    pd.testing.assert_frame_equal(read, table, check_exact=True, check_dtype=False, check_index_type=False)


@pytest.mark.parametrize("width", [80, 100])
def test_the_terminal_table_keeps_every_number_at_its_width(ablation_runs, width):
    table = tables.ablation_table(
        ablation_runs({name: {0: 10.5, 1: 58.5} for name in ERRORS} | {"original": {0: 50.5, 1: 10.5}})
    )
    screen = Console(width=width, file=io.StringIO())
    screen.print(tables.to_rich(table, width))
    text = screen.file.getvalue()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for number in ("6.61", "34.50", "+28.13", "30.50 ± 28.28", "2/2", "+4.00, p = 1.000", "[−555.0"):
        assert number in text
    assert ("1.73 M" in text) == (width == 100)


def test_write_gives_the_table_in_three_forms_with_its_problems(ablation_runs, tmp_path):
    runs = ablation_runs(ERRORS | {"full_preact": {0: 6.3, 1: 6.2}})
    table = tables.ablation_table(runs)
    paths = tables.write(table, runs, tmp_path / "results", "table")
    assert [path.name for path in paths] == ["table.md", "table.csv", "table.tex"]
    page = paths[0].read_text(encoding="utf-8")
    assert page.startswith("# Where do BN and ReLU belong?\n")
    for part in (tables.protocol_note(runs), tables.to_markdown(table), "- full_preact: lacks seed 2"):
        assert part in page


def test_tables_import_neither_matplotlib_nor_torch_nor_wandb():
    code = "import sys, analysis.tables; print([m for m in ('matplotlib', 'torch', 'wandb') if m in sys.modules])"
    root = Path(tables.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
