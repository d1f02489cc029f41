"""One page for all studies: what it says of each, and that text from logs is only text."""

from dataclasses import replace

import pytest

from analysis.output import index, summary
from analysis.results.findings import Findings
from analysis.study import TableError
from tests.analysis.example import ERRORS
from tests.analysis.test_golden import Text


def laid(findings, folder, picture="<svg xmlns='http://www.w3.org/2000/svg'/>"):
    """The study's line for an index in a folder of its own, as `write.files` leaves it."""
    folder.mkdir(parents=True)
    (folder / "seeds.svg").write_text(picture)
    return summary.write(findings, folder)


@pytest.fixture
def findings(ablation_runs):
    errors = ERRORS | {"relu_before_add": {0: 6.0, 1: 6.0, 2: None}, "full_preact": {0: 6.3, 1: 6.3}}
    commit = {"env__commit": "0123456789abcdef", "env__dirty": False, "env__device": "A CPU (AVX2)"}
    return Findings.from_frames(ablation_runs(errors, **commit))


def test_it_says_what_the_report_says_and_links_to_it(findings, tmp_path):
    laid(findings, tmp_path / "resnet_preact" / "paper")
    assert [path.name for path in index.write(tmp_path)] == ["index.html", "index.md"]
    page, table = ((tmp_path / name).read_text(encoding="utf-8") for name in ("index.html", "index.md"))
    text = " ".join(Text(page).lines)
    assert 'href="resnet_preact/paper/report.html"' in page
    assert "[resnet_preact, paper](resnet_preact/paper/report.html)" in table
    assert page.count("data:image/svg+xml;base64,") == 1
    for said in (text, table):
        assert "Where do BN and ReLU belong?" in said
        assert "2 to 3" in said  # seeds that count, failed or not: full_preact has two
        assert "A CPU (AVX2)" in said
        assert "0123456789" in said
        for line in findings.verdict.lines:
            assert all(part in said for part in (line.label, line.ours, line.badge))
    assert "14 runs, 1 failed; resnet110 on cifar10, 164 epochs; 21 minutes of training" in text  # 14 of 90 s


def test_studies_are_in_order_and_parts_of_a_profile_are_named(findings, tmp_path):
    for place in ("resnet_preact/results/paper-seeds_0", "resnet_preact/results/paper"):
        laid(findings, tmp_path / place)
    index.write(tmp_path)
    rows = (tmp_path / "index.md").read_text(encoding="utf-8").splitlines()[4:]
    assert [row.partition("](")[0] for row in rows] == ["| [resnet_preact, paper", "| [resnet_preact, paper-seeds_0"]


def test_a_folder_without_studies_gets_no_page(tmp_path):
    assert index.write(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_text_from_logs_is_only_text(ablation_runs, tmp_path):
    hostile = '</script><script>alert(1)</script>"><img src=x>|'
    runs = ablation_runs(ERRORS, ablation__question=hostile, ablation__labels=[hostile + str(i) for i in range(5)])
    laid(Findings.from_frames(runs), tmp_path / "a b" / "paper")
    index.write(tmp_path)
    page, table = ((tmp_path / name).read_text(encoding="utf-8") for name in ("index.html", "index.md"))
    assert (page.count("<script>"), page.count("<img")) == (1, 1)
    assert 'href="a%20b/paper/report.html"' in page
    (row,) = table.splitlines()[4:]
    assert row.replace(r"\|", "").count("|") == 8
    assert "<script>" not in table


def test_a_summary_comes_back_as_it_was_written(findings, tmp_path):
    assert summary.read(laid(findings, tmp_path / "one")) == summary.summary_of(findings)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"n": 1}', "null"])
def test_a_damaged_summary_is_one_line(findings, tmp_path, text):
    laid(findings, tmp_path / "one").write_text(text)
    with pytest.raises(TableError, match=r"summary\.json is not a summary that this version writes") as refused:
        index.write(tmp_path)
    assert "\n" not in str(refused.value)


def test_equal_seeds_are_one_number(findings):
    assert replace(summary.summary_of(findings), n=(3, 3)).seeds == "3"
