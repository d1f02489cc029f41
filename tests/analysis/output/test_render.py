"""The printed forms of the tables."""

from __future__ import annotations

import io
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from analysis.output.files import write_tables
from analysis.output.formatting import printed
from analysis.output.latex import to_latex
from analysis.output.render import to_csv, to_html, to_markdown
from analysis.output.terminal import to_rich
from analysis.results.findings import Findings
from tests.analysis.example import ERRORS
from tests.analysis.test_golden import factorial


def test_markdown_has_as_many_cells_in_every_row(ablation_runs):
    runs = ablation_runs(ERRORS, ablation__labels=["a | b", "b", "c", "d", "e"])
    rows = [line for line in to_markdown(Findings.from_frames(runs).variants).splitlines() if line.startswith("|")]
    assert len(rows) == 7
    assert {row.replace(r"\|", "").count("|") for row in rows} == {14}


def test_html_says_what_markdown_says_with_headings_in_scope(ablation_runs):
    runs = ablation_runs(ERRORS, ablation__labels=["a < b & c", "b", "c", "d", "e"])
    table = Findings.from_frames(runs).variants
    text = to_html(table, caption="50 % & <more>")
    page = ElementTree.fromstring(text.replace("<br>", "<br/>"))
    assert page.find("caption").text == "50 % & <more>"
    rows = [[("".join(cell.itertext())) for cell in row] for row in page.find("tbody")]
    markdown = [line.strip("| ").split(" | ") for line in to_markdown(table).splitlines()[2:7]]
    assert [[cell for cell in row if cell] for row in rows] == [
        [cell.strip() for cell in row if cell.strip()] for row in markdown
    ]
    assert rows[0][0] == "a < b & c"
    assert [row[0].attrib["scope"] for row in page.find("tbody")] == ["row"] * 5
    assert {head.attrib["scope"] for head in page.find("thead/tr")} == {"col"}
    assert not [node for node in page.iter() if "style" in node.attrib]


def test_bold_is_the_best_that_is_better_than_every_other(ablation_runs):
    shown = {"original": {0: 6.5, 1: 6.6, 2: 6.8}, "full_preact": {0: 6.0, 1: 6.1, 2: 6.31}}
    shown |= {"relu_only_preact": {0: 7.5, 1: 7.6, 2: 7.8}}
    table = Findings.from_frames(ablation_runs(shown)).variants
    assert "| **6.10** |" in to_markdown(table)
    assert r"\bfseries 6.10" in to_latex(table)
    assert "<strong>6.10</strong>" in to_html(table)
    only_lowest = shown | {"bn_after_add": {0: 6.2, 1: 6.0, 2: 6.4}}
    table = Findings.from_frames(ablation_runs(only_lowest)).variants
    assert table["median"].idxmin() == "full_preact"
    for text in (to_markdown(table), to_latex(table), to_html(table)):
        assert not [mark for mark in ("**", "bfseries", "strong") if mark in text]


def test_a_best_that_lost_a_run_is_not_bold_and_one_beside_failures_is(ablation_runs):
    lost = {"original": {0: 6.5, 1: 6.6, 2: 6.8}, "full_preact": {0: 6.0, 1: 6.11, 2: None}}
    assert not Findings.from_frames(ablation_runs(lost)).variants["best"].any()
    beside = {"original": {0: 6.5, 1: 6.6, 2: 6.8}, "full_preact": {0: None, 1: None, 2: None}}
    assert list(Findings.from_frames(ablation_runs(beside)).variants["best"]) == [True, False, False, False, False]


def test_csv_keeps_every_digit(ablation_runs):
    table = Findings.from_frames(ablation_runs(ERRORS)).variants
    read = pd.read_csv(io.StringIO(to_csv(table)), index_col="variant").fillna({"reading": ""})
    pd.testing.assert_frame_equal(read, table, check_exact=True, check_dtype=False, check_index_type=False)


@pytest.fixture(params=[80, 110])
def on_screen(request):
    """`on_screen(table)`: its lines on a terminal of 80 or 110 columns, each line no wider."""

    def lines(table):
        screen = Console(width=request.param, file=io.StringIO())
        screen.print(to_rich(table, request.param))
        lines = screen.file.getvalue().splitlines()
        assert max(map(len, lines)) <= request.param
        return lines

    return lines


def test_no_terminal_breaks_a_word_or_a_number_in_two(ablation_runs, ablation_history, on_screen):
    """Large intervals, effects with long names, times: each word of the first column, each number of any other."""
    runs = factorial(ablation_runs)
    runs.loc[runs["seed"] == 1, "summary.test/error"] *= 5
    findings = Findings.from_frames(runs, ablation_history(runs))
    for table in (findings.variants, findings.effects, findings.times):
        cells = printed(table).cells
        words = {word for label in cells.iloc[:, 0] for word in label.split()}
        estimate = next(name for name in cells if name.split()[0] in ("difference", "times") or name == "ours (pp)")
        intervals = {"[" + text.partition(" [")[2] for text in cells[estimate] if "[" in text}
        assert len(words) >= 4
        assert intervals or table is findings.times
        text = "\n".join(on_screen(table))
        assert all(part in text for part in words | intervals)
        assert "…" not in text


def test_costs_stand_in_columns_of_their_own_where_there_is_room(ablation_runs, on_screen):
    lines = on_screen(Findings.from_frames(ablation_runs(ERRORS)).variants)
    row = next(line.split() for line in lines if line.startswith(" BN after addition"))
    assert row[3:5] == ["8.17", "8.60"]
    wide = len(lines[1]) > 80
    assert (row[-3:] == ["1.73", "253", "1.5"]) == wide
    assert ("m-adds" in lines[1]) == wide


def test_columns_without_a_number_are_left_out(ablation_runs, on_screen):
    """A question of the user's own has no paper; logs of others have no costs."""
    runs = ablation_runs(ERRORS, ablation__published=None, parameters=None, multiply_adds=None)
    table = Findings.from_frames(runs).variants
    lines = on_screen(table)
    for heading in ("paper", "gap", "param", "m-adds"):
        assert heading not in lines[1]
        assert heading not in to_markdown(table).splitlines()[0]
        assert f"<th>{heading}" not in to_html(table)
    assert "gap" not in to_markdown(table)


def test_write_gives_the_table_in_four_forms_with_its_problems(ablation_runs, tmp_path):
    runs = ablation_runs(ERRORS | {"full_preact": {0: 6.3, 1: 6.2}})
    findings = Findings.from_frames(runs)
    paths = write_tables(findings, tmp_path / "results", "table")
    assert [path.name for path in paths] == ["table.md", "table.csv", "table.tex", "table.html", "table_claims.csv"]
    page = paths[0].read_text(encoding="utf-8")
    assert page.startswith("# Where do BN and ReLU belong?\n")
    for part in (findings.protocol.note, to_markdown(findings.variants), "- full_preact: seed 2 is missing"):
        assert part in page


def test_tables_import_neither_matplotlib_nor_torch_nor_wandb():
    imports = "import sys, analysis.output.files, analysis.output.terminal"
    code = f"{imports}; print([m for m in ('matplotlib', 'torch', 'wandb') if m in sys.modules])"
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
