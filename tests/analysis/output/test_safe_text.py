"""Text from a stranger's log is shown, never obeyed."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from analysis.output import figures, report
from analysis.output.files import write_tables
from analysis.output.safe_text import csv_cell, folder, latex, markdown
from analysis.results.findings import Findings
from analysis.study.values import printable
from analysis.write import show
from tests.analysis.example import ERRORS
from tests.analysis.output.tex import compiled, needs_tex

HOSTILE = [
    "=cmd|'/C calc'!A0",
    r"\input{/etc/passwd} ${x}^_~#&%",
    "<script>alert(1)</script> [a](javascript:alert(1)) | `b`",
    "[bold red]x[/] \x1b[2J\x1b]0;title\x07 one\ntwo\r\u202e",
    "$\\frac{ $",
]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


@pytest.fixture
def findings(ablation_runs) -> Findings:
    runs = ablation_runs(ERRORS, ablation__labels=HOSTILE, ablation__question=HOSTILE[2] + HOSTILE[3])
    return Findings.from_frames(runs, pd.DataFrame(columns=["run_id", "variant", "seed", "epoch"]))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("full pre-activation (−0.24 ± 0.1)", "full pre-activation (−0.24 ± 0.1)"),
        ("one\ntwo\tthree", "one two three"),
        ("\x1b[2J", "\N{REPLACEMENT CHARACTER}[2J"),
        ("a\u202eb", "a\N{REPLACEMENT CHARACTER}b"),
        ("\ud800", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_only_what_acts_is_replaced(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        (" @SUM(A1)", "' @SUM(A1)"),
        ("+cmd|'/C calc'!A0", "'+cmd|'/C calc'!A0"),
        ("-2+3|x", "'-2+3|x"),
        ("+ label smoothing", "+ label smoothing"),
        ("−3.06", "−3.06"),
        (-3.06, -3.06),
    ],
)
def test_a_spreadsheet_runs_no_cell(value, cell):
    assert csv_cell(value) == cell


def test_latex_has_no_command_of_a_strangers():
    assert latex(r"\input{a_b}") == r"\textbackslash{}input\{$a_{b}$\}"  # a symbol with its index, as b_g
    assert latex(r"\input{ab_cd}") == r"\textbackslash{}input\{ab\_cd\}"
    assert latex("50 % ± 1 < $x^2$~") == r"50 \% $\pm$ 1 \textless{} \$x\textasciicircum{}2\$\textasciitilde{}"


def test_markdown_has_no_tag_no_link_and_no_column_of_a_strangers():
    assert markdown("<b>|[a](b)\n") == r"&lt;b>\|[a]\(b) "
    assert markdown("<0.001, a < b") == "<0.001, a < b"


def test_files_of_hostile_runs(findings, tmp_path):
    written = {path.suffix: path.read_text() for path in write_tables(findings, tmp_path, "table")}
    cells = pd.read_csv(tmp_path / "table.csv")["label"]
    assert not [cell for cell in cells if cell.startswith(("=", "@"))]
    assert "<script" not in written[".md"]
    assert "](" not in written[".md"]
    assert not set(re.findall(r"\\input|\\frac", written[".tex"]))
    for suffix, text in written.items():
        assert not [c for c in text if ord(c) < 32 and c != "\n"], suffix


def test_a_page_of_hostile_runs_has_its_own_tags_alone(findings, ablation_runs):
    tags, own = Tags(), Tags()
    tags.feed(report.to_html(findings, {}))
    own.feed(report.to_html(Findings.from_frames(ablation_runs(ERRORS)), {}))
    assert tags.found.count("script") == own.found.count("script") == 2
    assert not [link for link in tags.links if not link.startswith(("#", "data:"))]


def test_a_terminal_obeys_nothing(findings):
    out = io.StringIO()
    show(Console(file=out, width=110, force_terminal=False), findings)
    assert "\x1b" not in out.getvalue()
    assert "\x07" not in out.getvalue()
    assert "[bold red]" in out.getvalue()


def test_figures_take_any_label(findings, tmp_path):
    for name, figure in figures.all_figures(findings.study).items():
        assert all(path.stat().st_size for path in figures.save(figure, tmp_path, name))


@needs_tex
def test_latex_compiles_and_reads_no_file(findings, tmp_path: Path):
    write_tables(findings, tmp_path, "table")
    compiled(tmp_path, r"\documentclass{article}", ["table"])
    assert "passwd" not in (tmp_path / "page.fls").read_text()


@pytest.mark.parametrize(
    "text", ["../../up", "/etc/cron.d", "..", ".", "", ".hidden", "a/b", "a\\b", "C:x", "x\0y", "n" * 300]
)
def test_a_name_from_a_log_is_one_visible_folder(text, tmp_path):
    path = tmp_path / folder(text)
    path.mkdir()
    assert path.resolve().parent == tmp_path.resolve()
    assert not path.name.startswith(".")
    assert len(path.name) <= 80


def test_a_usual_name_is_its_own_folder():
    assert folder("resnet_preact") == "resnet_preact"
    assert folder("smoke-seeds_0-epochs_1") == "smoke-seeds_0-epochs_1"
