"""An ablation's tables for the terminal: as many columns as fit, with no word and no number broken in two."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.output.formatting import Headings, metric_of, printed
from analysis.study.values import printable

if TYPE_CHECKING:
    from rich.table import Table

HEADING_WIDTH = 12
LONGEST_WORD = 24  # of a name; longer ones are folded
EASY = 20  # a column of words with less room is hard to read
EDGE, GAP = 2, 2  # blanks around the table, and between two columns
# The estimate of each table, by the first word of its heading; p-values and readings are printed below it.
ESTIMATES: Mapping[str, str] = {"variant": "difference", "effect": "ours", "time": "times"}
BELOW = ("p (adjusted)", "reading", "test")
LEAST = ("min/run", "multiply-adds", "parameters", "iterations", "kind")  # left out in this order where width is short
SHORT: Mapping[str, str] = {
    "n of": "n\nof", "parameters": "param.\nM", "multiply-adds": "m-adds\nM", "min/run": "min\n/run"
}  # fmt: skip


def to_rich(table: pd.DataFrame, width: int = 100) -> Table:
    """The table for a terminal of `width` columns; costs and the like are left out where they do not fit."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown, kind = printed(table), str(table.index.name)
    estimate = next(name for name in shown.cells if name.split()[0] == ESTIMATES[kind])
    texts = [name for name in (*shown.text, estimate) if name in shown.cells and name not in BELOW]
    cells = {name: [printable(cell, lines=True) for cell in cells] for name, cells in _cells(table, estimate).items()}
    headings = {name: _heading(name, estimate) for name in cells}

    def widths(of: Callable[[str], Iterable[str]]) -> dict[str, int]:
        return {name: max(map(len, (*headings[name].split("\n"), *of(name)))) for name in cells}

    natural = widths(lambda name: (line for cell in cells[name] for line in cell.split("\n")))
    least = natural | {name: size for name, size in widths(lambda name: _pieces(cells[name])).items() if name in texts}
    for name in LEAST:
        if EDGE - GAP + sum(max(least[left], min(natural[left], EASY)) + GAP for left in cells) > width:
            cells.pop(name, None)
    free = width - EDGE - sum(least[name] + GAP for name in cells) + GAP
    bold, ours = {i for i, _ in shown.bold}, Headings.of(metric_of(table)).ours
    drawn = Table(box=box.SIMPLE_HEAD, padding=(0, GAP - 1, 0, 0), pad_edge=False)
    for name in cells:
        more = max(0, min(natural[name] - least[name], free))
        free -= more
        justify = "left" if name in texts else "right"
        drawn.add_column(Text(headings[name]), justify=justify, width=least[name] + more, overflow="fold")
    for i, row in enumerate(zip(*cells.values(), strict=True)):
        styles = ["bold" if i in bold and name == ours else "" for name in cells]
        drawn.add_row(*map(Text, row, styles))
    return drawn


def _cells(table: pd.DataFrame, estimate: str) -> dict[str, list[str]]:
    """The printed columns, with p-values and readings below the estimate, and costs in millions."""
    cells = {str(name): list(texts) for name, texts in printed(table).cells.items()}
    below = {name: cells.pop(name) for name in BELOW if name in cells}
    cells[estimate] = [
        _stacked(text, {name: texts[i] for name, texts in below.items()}) for i, text in enumerate(cells[estimate])
    ]
    if "failed" in cells:
        of = [f"{n}/{n + failed}" for n, failed in zip(table["n"], table["failed"], strict=True)]
        cells = {"n of" if name == "n" else name: of if name == "n" else cells[name] for name in cells}
        del cells["failed"]
    for column, name in (("parameters", "parameters"), ("multiply_adds", "multiply-adds")):
        if name in cells:
            cells[name] = ["" if pd.isna(size) else _millions(size) for size in table[column]]
    return cells


def _stacked(text: str, below: Mapping[str, str]) -> str:
    """Estimate with p, interval and reading, one per line: "−0.24, p = 0.031" above "[−0.40, −0.08]"."""
    mean, _, interval = text.partition(" [")
    p, *readings = below.values() if "p (adjusted)" in below else ("", *below.values())
    mean += f", p {p}" if p.startswith("<") else f", p = {p}" * bool(p)
    return "\n".join(filter(None, (mean, f"[{interval}" * bool(interval), *readings)))


def _pieces(cells: Iterable[str]) -> Iterable[str]:
    """What is never broken: the lines that begin with a number, and the words of the others."""
    for line in "\n".join(cells).split("\n"):
        yield from [line] if line[:1] in "+−[0123456789" else [word[:LONGEST_WORD] for word in line.split()]


def _heading(name: str, estimate: str) -> str:
    """A heading in short lines, with its unit below them."""
    title, _, unit = name.removesuffix(")").partition(" (")
    if name == estimate:
        unit = ", ".join(filter(None, (unit, "95 % interval")))
    lines = [title] if title.startswith("mean") else textwrap.wrap(title, HEADING_WIDTH)
    return SHORT.get(name, printable("\n".join(filter(None, (*lines, unit))), lines=True))


def _millions(size: float) -> str:
    return f"{size / 1e6:,.2f}" if size < 1e7 else f"{size / 1e6:,.0f}"
