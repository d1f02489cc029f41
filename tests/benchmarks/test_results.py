"""The tables of README.md and results/README.md are those of the stored results; made from summaries alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.output.summary import Claim, Summary
from benchmarks import results
from benchmarks.command_line import UsageError
from benchmarks.results import RESULTS, ROOT, between_marks, overview_table, pages, prune, shown_table
from experiments import ablations

STUDY = Summary(
    ablation="resnet_preact",
    profile="smoke",
    metric="error",
    question="Where | when?",
    headline="Of 2 claims, 1 replicates.",
    claims=(
        Claim("full", "better by 0.24", "better by 1.00 [−2.00, −0.10]", "replicates"),
        Claim("BN", "worse by 1.56", "worse by 0.10", "undecided"),
    ),
    n=(4, 5),
    runs=14,
    failed=0,
    net="resnet20",
    dataset="digits",
    epochs=4,
    minutes=2.345,
    devices=("a processor",),
    commits=("0123456789",),
    problems=0,
)
FOUND = {RESULTS / "resnet_preact/smoke": STUDY}


def test_the_tables_are_those_of_the_stored_results():
    assert {path.relative_to(ROOT).as_posix(): path.read_text() == text for path, text in pages().items()} == {
        "README.md": True,
        "results/README.md": True,
    }


def test_every_ablation_has_stored_results_of_its_whole_smoke_profile():
    found = {study.ablation: study for folder in results.studies() if (study := _summary(folder)).profile == "smoke"}
    assert sorted(found) == sorted(ablations.names())
    for name, study in found.items():
        profile = ablations.load(name).profiles["smoke"]
        assert study.n == (profile.seeds, profile.seeds), name
        assert not any("with changes" in commit for commit in study.commits), name


def test_a_row_for_each_variant_then_the_sentence_and_where_it_comes_from():
    lines = shown_table(FOUND).splitlines()
    assert lines[2] == "| full | better by 0.24 | better by 1.00 [−2.00, −0.10] | replicates |"
    assert lines[5] == "Of 2 claims, 1 replicates."
    assert "resnet20 on digits, 4 epochs, 4 to 5 seeds, a processor, commit 0123456789" in lines[-1]


def test_a_row_for_each_study_counts_its_verdicts():
    heads, _, cells = (line.strip("|").split(" | ") for line in overview_table(FOUND))
    told = dict(zip((head.strip() for head in heads), (cell.strip() for cell in cells), strict=True))
    assert told["ablation"] == "[resnet_preact](resnet_preact/smoke/report.html)"
    assert (told["replicates"], told["undecided"], told["contradicted"]) == ("1", "1", "")
    assert (told["seeds"], told["minutes of training, summed"]) == ("4 to 5", "2.3")


def test_a_study_without_times_leaves_the_cell_empty():
    row = overview_table({next(iter(FOUND)): replace(STUDY, minutes=None)})[2]
    assert row.split(" | ")[-2] == ""


def test_only_what_is_between_the_marks_is_written():
    page = "a\n<!-- results -->\nold\n<!-- end of results -->\nb\n"
    assert between_marks(page, "new") == "a\n<!-- results -->\nnew\n<!-- end of results -->\nb\n"
    with pytest.raises(UsageError, match="a page has no lines <!-- results -->"):
        between_marks("a\n", "new")


def test_figures_that_a_report_holds_are_not_kept_beside_it(tmp_path: Path):
    for name in ("report.html", "table.md", "seeds.png", "seeds.svg", "training_curves.pdf"):
        (tmp_path / name).write_text("")
    prune(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "seeds.png", "table.md"]


def _summary(folder: Path) -> Summary:
    return results.summary.read(folder / results.summary.NAME)
