r"""A table in LaTeX: few columns, numbers aligned by siunitx, as wide as the column of text that it stands in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap

import pandas as pd

from analysis.output.formatting import MINUS, printed
from analysis.output.safe_text import latex, typographic
from analysis.study.declaration import TableError

HEAD = r"""% Needs \usepackage{booktabs, siunitx, tabularx}.
\begin{table}[tbp]
\centering\footnotesize\setlength{\tabcolsep}{2.5pt}
\sisetup{detect-weight, retain-explicit-plus, group-separator={,}}
"""
WRAPPED = r">{\raggedright\arraybackslash\hspace{0pt}}X"
MOST = 5  # columns by default
PAPER = "paper"  # printed by default where it has a number for half of the rows
# Of each table, by importance; the first five that it has are printed, in the table's own order.
CHOSEN: Mapping[str, Sequence[str]] = {
    "variant": ("variant", "difference", "n", "paper", "ours", "p"),
    "effect": ("effect", "ours", "n", "p", "paper"),
    "time": ("variant", "epochs", "reached", "times as long", "p"),
}
NUMBER = re.compile(rf"(?P<number>[+{MINUS}]?\d{{1,3}}(?:,?\d{{3}})*(?:\.\d+)?)(?P<rest>| ?[\[±?(].*)")


def to_latex(table: pd.DataFrame, caption: str = "", label: str = "", columns: Sequence[str] = ()) -> str:
    r"""A booktabs table with caption and \label; its first column takes the room that is left, and wraps.

    columns: by their headings, without units; five by default. Raises TableError for a column that the table lacks.
    """
    shown = printed(table)
    names = {_plain(name): name for name in shown.cells}
    if unknown := [name for name in columns if name not in names]:
        raise TableError(f"the table has no column {', '.join(unknown)}; columns: {', '.join(names)}")
    told = {name for name in names if name != PAPER or (shown.cells[names[name]] != "").mean() >= 0.5}
    wanted = columns or [name for name in CHOSEN.get(str(table.index.name), names) if name in told][:MOST]
    bold = {(i, name) for i, name in shown.bold}
    kept = [(names[name], name) for name in (wanted if columns else [name for name in names if name in wanted])]
    drawn = [
        Column.of(full, list(shown.cells[full]), [(i, full) in bold for i in range(len(table))], first=not at)
        for at, (full, _) in enumerate(kept)
    ]
    rows = [" & ".join(cells) + r" \\" for cells in zip(*(column.cells for column in drawn), strict=True)]
    notes = [r"\caption{" + latex(caption) + "}"] * bool(caption) + [r"\label{" + _key(label) + "}"] * bool(label)
    body = [
        *notes,
        rf"\begin{{tabularx}}{{\linewidth}}{{@{{}}{''.join(column.form for column in drawn)}@{{}}}}",
        r"\toprule",
        " & ".join(column.heading for column in drawn) + r" \\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabularx}",
        r"\end{table}",
    ]
    return HEAD + "\n".join(body) + "\n"


@dataclass(frozen=True)
class Column:
    """One heading; an estimate with its interval or spread takes two columns of the tabular."""

    heading: str
    form: str
    cells: list[str]

    @classmethod
    def of(cls, heading: str, texts: Sequence[str], bold: Sequence[bool], first: bool) -> Column:
        title = latex(typographic(heading))
        if first:
            return cls(title, WRAPPED, [latex(typographic(text)) for text in texts])
        found = [NUMBER.fullmatch(text) for text in texts]
        if not any(found) or any(re.match(r"\d", text) for text, match in zip(texts, found, strict=True) if not match):
            return cls(title, "l", [_bold(latex(text), strong) for text, strong in zip(texts, bold, strict=True)])
        numbers = [match["number"] for match in found if match]
        whole = max(len(re.sub(r"[^\d]", "", number.partition(".")[0])) for number in numbers)
        digits = max(len(number.partition(".")[2]) for number in numbers)
        sign = "+" if any(number[0] in f"+{MINUS}" for number in numbers) else ""
        form = rf"S[table-format={sign}{whole}.{digits}]"
        two = any(match["rest"] for match in found if match)
        cells = list(starmap(_cell, zip(texts, found, bold, [two] * len(texts), strict=True)))
        return cls(rf"\multicolumn{{2}}{{c}}{{{title}}}" if two else f"{{{title}}}", form + r"@{\,}l" * two, cells)


def _cell(text: str, match: re.Match[str] | None, strong: bool, two: bool) -> str:
    if match is None:
        return rf"\multicolumn{{2}}{{l}}{{{latex(text)}}}" if two else f"{{{latex(text)}}}"
    number = match["number"].replace(",", "").replace(MINUS, "-")
    rest = latex(match["rest"].strip().replace("+", "")).replace(", ", r",\,")  # narrow: a column of print has room
    return _bold(number, strong) + (f" & {rest}" if two else "")


def _bold(text: str, strong: bool) -> str:
    return rf"\bfseries {text}" if strong else text


def _plain(heading: str) -> str:
    return heading.partition(" (")[0]


def _key(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9:._-]+", "-", label)
