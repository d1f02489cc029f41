"""An ablation's tables for the terminal."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

import pandas as pd

from analysis.output.formatting import Headings, metric_of, number, p_value, printed
from analysis.study.values import printable

if TYPE_CHECKING:
    from rich.table import Table

HEADING_WIDTH = 12
COSTS_FROM = 100  # columns of the terminal


def to_rich(table: pd.DataFrame, width: int = 100) -> Table:
    """The table for a terminal. The table of variants shows costs only at a width of 100 columns or more."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = printed(table)
    columns = {name: list(shown.cells[name]) for name in shown.cells}
    text = {name for name in columns if name in shown.text}
    ours = ""
    if table.index.name == "variant":
        columns = _variants(table, columns, width)
        ours = _stack(Headings.of(metric_of(table)).ours)
        text = {"variant", *(name for name in columns if name.startswith("difference"))}
    bold = {i for i, _ in shown.bold}
    drawn = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in columns:
        drawn.add_column(
            Text(printable(heading, lines=True)),
            justify="left" if heading in text else "right",
            no_wrap=heading not in text,
        )
    for i, row in enumerate(zip(*columns.values(), strict=True)):
        drawn.add_row(
            *(
                Text(printable(cell, lines=True), style="bold" if i in bold and name == ours else "")
                for name, cell in zip(columns, row, strict=True)
            )
        )
    return drawn


def _variants(table: pd.DataFrame, shown: dict[str, list[str]], width: int) -> dict[str, list[str]]:
    ended = table["n"] + table["failed"]
    rows, metric = [row for _, row in table.iterrows()], metric_of(table)
    heading = Headings.of(metric)
    paper, gap = ({_stack(name): shown[name]} if name in shown else {} for name in (heading.paper, heading.gap))
    columns = {
        "variant": shown["variant"],
        **paper,
        _stack(heading.ours): shown[heading.ours],
        **gap,
        _stack(heading.spread): shown[heading.spread],
        "n\nof": [f"{n}/{of}" for n, of in zip(table["n"], ended, strict=True)],
        "difference\n" + ", ".join(filter(None, (metric.difference_unit, "95 % interval"))): [
            _stacked(row, difference) for row, difference in zip(rows, shown[heading.difference], strict=True)
        ],
    }
    if width >= COSTS_FROM:
        columns["param.\nm-adds"] = [
            f"{_millions(row['parameters'], '.2f')}\n{_millions(row['multiply_adds'], ',.0f')}" for row in rows
        ]
        columns["min\n/run"] = shown["min/run"]
    return columns


def _stack(heading: str) -> str:
    """A metric's name in short lines with its unit below them."""
    name, _, unit = heading.removesuffix(")").partition(" (")
    lines = [name] if name.startswith("mean") else textwrap.wrap(name, HEADING_WIDTH)
    return "\n".join(filter(None, (*lines, unit)))


def _millions(value: float, form: str) -> str:
    return "" if math.isnan(value) else f"{number(value / 1e6, form)} M"


def _stacked(row: pd.Series, difference: str) -> str:
    """Difference with p, interval and reading, one per line: "-0.24, p = 0.031" above "[-0.40, -0.08]"."""
    mean, _, interval = difference.partition(" ")
    p = p_value(row["p_holm"])
    if p:
        mean += f", p {p}" if p.startswith("<") else f", p = {p}"
    return "\n".join(filter(None, (mean, interval, row["reading"])))
