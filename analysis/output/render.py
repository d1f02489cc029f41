"""A table in print: Markdown, CSV, HTML."""

from __future__ import annotations

from html import escape

import pandas as pd

from analysis.output.formatting import printed
from analysis.output.safe_text import csv_cell, markdown


def to_markdown(table: pd.DataFrame) -> str:
    """A pipe table, numbers to the right, with its notes below."""
    shown = printed(table)
    columns = list(shown.cells)
    rows = [
        [f"**{text}**" if (i, column) in shown.bold else text for column, text in zip(columns, row, strict=True)]
        for i, row in enumerate(shown.cells.to_numpy().tolist())
    ]
    escaped = [[markdown(text) for text in row] for row in (columns, *rows)]
    rule = ["---" if column in shown.text else "---:" for column in columns]
    lines = ["| " + " | ".join(row) + " |" for row in [escaped[0], rule, *escaped[1:]]]
    return "\n".join([*lines, "", *map(markdown, shown.notes)])


def to_csv(table: pd.DataFrame) -> str:
    """Every number of the table, unrounded; an empty field is a number that does not exist."""
    safe = table.rename(index=csv_cell)
    for column in safe.select_dtypes(exclude=["number", "bool"]):
        safe[column] = safe[column].map(csv_cell)
    return safe.to_csv(lineterminator="\n")


def to_html(table: pd.DataFrame, caption: str | None = None, *, notes: bool = True) -> str:
    """A `<table>` with scoped headings, classes "text" and "number" on its cells, and its notes in the `<tfoot>`."""
    shown = printed(table)
    kinds = ["text" if column in shown.text else "number" for column in shown.cells]

    def row(i: int, texts: list[str]) -> str:
        cells = []
        for kind, column, text in zip(kinds, shown.cells, texts, strict=True):
            inner = f"<strong>{escape(text)}</strong>" if (i, column) in shown.bold else escape(text)
            tag, scope = ("td", "") if cells else ("th", ' scope="row"')
            cells.append(f'<{tag}{scope} class="{kind}">{inner}</{tag}>')
        return f"<tr>{''.join(cells)}</tr>"

    heads = "".join(
        f'<th scope="col" class="{kind}">{escape(column)}</th>' for kind, column in zip(kinds, shown.cells, strict=True)
    )
    foot = "<br>".join(map(escape, shown.notes)) if notes else ""
    parts = [
        "<table>",
        f"<caption>{escape(caption)}</caption>" if caption else "",
        f"<thead><tr>{heads}</tr></thead>",
        "<tbody>",
        *(row(i, texts) for i, texts in enumerate(shown.cells.to_numpy().tolist())),
        "</tbody>",
        f'<tfoot><tr><td class="text" colspan="{len(kinds)}">{foot}</td></tr></tfoot>' if foot else "",
        "</table>",
    ]
    return "\n".join(filter(None, parts))
