"""The tables in LaTeX: what they say, and how a paper's column of text takes them."""

import re

import pytest

from analysis.output.files import write_tables
from analysis.output.latex import to_latex
from analysis.results.findings import Findings
from analysis.study.declaration import TableError
from experiments import ablations
from tests.analysis.example import ERRORS
from tests.analysis.output.tex import compiled, has, needs_tex
from tests.analysis.test_golden import factorial, ladder

CLASSES = (r"\documentclass{article}", r"\documentclass[twocolumn]{article}", r"\documentclass{IEEEtran}")


def body(text):
    """The cells of every row below the headings."""
    rows = text.partition(r"\midrule")[2].partition(r"\bottomrule")[0]
    return [row.split(" & ") for row in rows.strip().removesuffix(r"\\").split("\\\\\n")]


def test_five_columns_with_numbers_for_siunitx(ablation_runs):
    text = to_latex(Findings.from_frames(ablation_runs(ERRORS)).variants, "As in the paper.", "tab:resnet_preact")
    assert text.startswith("% Needs \\usepackage{booktabs, siunitx, tabularx}.\n")
    assert all(part in text for part in (r"\toprule", r"\caption{As in the paper.}", r"\label{tab:resnet_preact}"))
    headings = re.search(r"\\toprule\n(.*) \\\\", text)[1].split(" & ")
    assert headings == ["variant", r"{paper (\%)}", r"{ours (\%)}", "{n}", r"\multicolumn{2}{c}{difference (pp)}"]
    assert text.count("S[table-format=1.2]") == 2
    assert "S[table-format=1.0]S[table-format=+1.2]@{\\,}l" in text
    cells = {row[0]: [cell.strip() for cell in row[1:]] for row in body(text)}
    assert cells["original"] == ["6.61", "6.60", "3", r"\multicolumn{2}{l}{baseline}"]
    assert cells["BN after addition"][:4] == ["8.17", "8.60", "3", "+2.00"]
    assert cells["BN after addition"][4] == r"{}[$-$3.12,\,7.12]"  # 2 ± 8.860 / sqrt(3)


def test_columns_are_those_that_are_asked_for_in_their_order(ablation_runs):
    table = Findings.from_frames(ablation_runs(ERRORS)).variants
    text = to_latex(table, columns=("variant", "parameters", "gap", "ours"))
    assert body(text)[1] == ["BN after addition", "1727962", "+0.43", "8.60 "]
    with pytest.raises(TableError, match="the table has no column colour; columns: variant, paper, ours, gap"):
        to_latex(table, columns=("variant", "colour"))


def test_text_is_escaped_and_set_as_in_print(ablation_runs):
    labels = ["50 % of x_1", "gate, b_g = -6", "7x7", "d", "e"]
    runs = ablation_runs(ERRORS, ablation__labels=labels)
    text = to_latex(Findings.from_frames(runs).variants, caption="95 % of a_b")
    assert r"50 \% of $x_{1}$" in text
    assert r"gate, $b_{g}$ = $-$6" in text
    assert r"7$\times$7" in text
    assert r"\caption{95 \% of $a_{b}$}" in text
    assert "%" not in text.partition("\n")[2].replace(r"\%", "")
    assert text.isascii()


@needs_tex
@pytest.mark.slow
@pytest.mark.parametrize("document_class", CLASSES)
def test_no_table_is_wider_than_its_column(document_class, ablation_runs, ablation_history, tmp_path):
    """All sixteen ablations' labels and published cells beside errors whose intervals are wide; effects and times."""
    if "IEEEtran" in document_class and not has("IEEEtran.cls"):
        pytest.skip("no IEEEtran here")
    studies = {"cross": factorial(ablation_runs), "steps": ladder(ablation_runs)}
    for name in ablations.names():
        declared = ablations.declared(name)
        names = [variant.name for variant in declared.variants]
        errors = {variant: {0: 10.0 + 3 * i, 1: 58.5 - i, 2: 31.0} for i, variant in enumerate(names)}
        studies[name] = ablation_runs(
            errors, ablation__name=name, ablation__variants=names, ablation__baseline=declared.baseline,
            ablation__labels=[variant.label for variant in declared.variants], ablation__published=declared.published,
        )  # fmt: skip
    tables = []
    for name, runs in studies.items():
        written = write_tables(Findings.from_frames(runs, ablation_history(runs)), tmp_path, name)
        tables += [path.stem for path in written if path.suffix == ".tex"]
    assert len(tables) == 16 + 3 + 2
    log = compiled(tmp_path, document_class, tables)
    assert "Overfull" not in log
    assert f"({len(tables)} pages" in log


@needs_tex
def test_a_table_that_does_not_fit_is_found(ablation_runs, tmp_path):
    """The words of the log that the test above looks for."""
    table = Findings.from_frames(ablation_runs(ERRORS)).variants
    every = ("variant", "paper", "ours", "gap", "mean ± std", "n", "failed", "difference", "p", "parameters")
    (tmp_path / "table.tex").write_text(to_latex(table, columns=every))
    assert "Overfull" in compiled(tmp_path, CLASSES[1], ["table"])
