"""An ablation's table as Markdown, CSV, LaTeX and for the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from rich.table import Table

UNCONFIRMED = "?"
DIFFERENCE = "difference (pp)"
COSTS_FROM = 100  # columns of the terminal
TEXT_COLUMNS = ("variant", "reading")
MINUS = "\N{MINUS SIGN}"
LATEX = {MINUS: "$-$", "±": r"$\pm$", "×": r"$\times$"}


def cells(table: pd.DataFrame) -> pd.DataFrame:
    """The table as it is printed: rounded text under headings with units. A `?` marks an unconfirmed number."""
    rows = [row for _, row in table.iterrows()]
    columns = {
        "variant": [row["label"] for row in rows],
        "paper (%)": [_paper(row) for row in rows],
        "ours (%)": ["fail" if row["fails"] else _number(row["median"], ".2f") for row in rows],
        "gap (pp)": [_number(row["gap"], "+.2f") for row in rows],
        "mean ± std (%)": [_spread(row["mean"], row["std"]) for row in rows],
        "n": [str(row["n"]) for row in rows],
        "failed": [str(row["failed"]) for row in rows],
        DIFFERENCE: [_difference(row) for row in rows],
        "reading": [row["reading"] for row in rows],
        "p (Holm)": [_p(row["p_holm"]) for row in rows],
        "parameters": [_number(row["parameters"], ",.0f") for row in rows],
        "multiply-adds": [_number(row["multiply_adds"], ",.0f") for row in rows],
        "min/run": [_number(row["minutes"], ".1f") for row in rows],
    }
    return pd.DataFrame(columns)


def _number(value: float, form: str) -> str:
    return "" if math.isnan(value) else format(value, form).replace("-", MINUS)


def _millions(value: float, form: str) -> str:
    return "" if math.isnan(value) else f"{_number(value / 1e6, form)} M"


def _paper(row: pd.Series) -> str:
    text = "fail" if row["paper_failed"] else _number(row["paper"], ".2f")
    return text if row["paper_confirmed"] else text + UNCONFIRMED


def _spread(mean: float, std: float) -> str:
    return _number(mean, ".2f") if math.isnan(std) else f"{_number(mean, '.2f')} ± {_number(std, '.2f')}"


def _difference(row: pd.Series) -> str:
    if row["baseline"]:
        return "baseline"
    if math.isnan(row["difference"]):
        return ""
    text = _number(row["difference"], "+.2f")
    if math.isnan(row["low"]):
        return text
    return f"{text} [{_number(row['low'], '+.2f')}, {_number(row['high'], '+.2f')}]"


def _p(value: float) -> str:
    return "" if math.isnan(value) else "<0.001" if value < 0.001 else f"{value:.3f}"


def _stacked(row: pd.Series, difference: str) -> str:
    """Difference with p, interval and reading, each on a line: "-0.24, p = 0.031" over "[-0.40, -0.08]"."""
    mean, _, interval = difference.partition(" ")
    p = _p(row["p_holm"])
    if p:
        mean += f", p {p}" if p.startswith("<") else f", p = {p}"
    return "\n".join(filter(None, (mean, interval, row["reading"])))


def notes(table: pd.DataFrame) -> list[str]:
    """What a reader needs to read the columns."""
    lines = [
        "ours: median over the seeds of the last epoch's test error, failed runs ranked last; "
        "mean and std: over the n runs that finished and did not fail; gap: ours - paper.",
        "difference: to the baseline, mean over the pairs of equal seed with its 95 % t interval; "
        "p: of that, adjusted for the number of variants.",
    ]
    if not table["paper_confirmed"].all():
        lines.append(f"{UNCONFIRMED}: not confirmed in the paper's text.")
    return lines


def to_markdown(table: pd.DataFrame) -> str:
    """A pipe table, numbers to the right, with its notes below."""
    printed = cells(table)
    escaped = [[text.replace("|", r"\|") for text in row] for row in [list(printed), *printed.to_numpy().tolist()]]
    rule = ["---" if column in TEXT_COLUMNS else "---:" for column in printed]
    lines = ["| " + " | ".join(row) + " |" for row in [escaped[0], rule, *escaped[1:]]]
    return "\n".join([*lines, "", *notes(table)])


def to_csv(table: pd.DataFrame) -> str:
    """Every number of the table, unrounded; an empty field is a number that does not exist."""
    return table.to_csv(lineterminator="\n")


def to_latex(table: pd.DataFrame, caption: str | None = None) -> str:
    r"""A booktabs tabular in a table environment; headings, cells and caption escaped. Needs \usepackage{booktabs}."""
    from pandas.io.formats.style import Styler

    printed = cells(table)
    styler = Styler(printed).hide(axis="index").format(escape="latex").format_index(escape="latex", axis=1)
    text = styler.to_latex(
        hrules=True,
        column_format="".join("l" if column in TEXT_COLUMNS else "r" for column in printed),
        caption=None if caption is None else _escape(caption),
        position_float="centering",
    )
    for character, command in LATEX.items():
        text = text.replace(character, command)
    return text


def _escape(text: str) -> str:
    return "".join(f"\\{character}" if character in "%_&#$" else character for character in text)


def to_rich(table: pd.DataFrame, width: int = 100) -> Table:
    """The table for a terminal: n of the runs that ended, costs only from a width of 100 columns up."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    printed = cells(table)
    ended = table["n"] + table["failed"]
    columns = {
        "variant": printed["variant"],
        "paper\n%": printed["paper (%)"],
        "ours\n%": printed["ours (%)"],
        "gap\npp": printed["gap (pp)"],
        "mean ± std\n%": printed["mean ± std (%)"],
        "n\nof": [f"{n}/{of}" for n, of in zip(table["n"], ended, strict=True)],
        "difference\npp, 95 % interval": [
            _stacked(row, difference)
            for (_, row), difference in zip(table.iterrows(), printed[DIFFERENCE], strict=True)
        ],
    }
    if width >= COSTS_FROM:
        columns |= {
            "param.\nm-adds": [
                f"{_millions(row['parameters'], '.2f')}\n{_millions(row['multiply_adds'], ',.0f')}"
                for _, row in table.iterrows()
            ],
            "min\n/run": printed["min/run"],
        }
    drawn = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in columns:
        text = heading.startswith(("variant", "difference"))
        drawn.add_column(heading, justify="left" if text else "right", no_wrap=not text)
    for row in zip(*columns.values(), strict=True):
        drawn.add_row(*map(Text, row))
    return drawn
