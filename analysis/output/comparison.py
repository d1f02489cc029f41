"""Two studies side by side: Markdown for the terminal and one self-contained HTML page."""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.output import formatting
from analysis.output.figures.style import WIDTH_IN, legend_below, style
from analysis.output.formatting import Printed, interval, metric_of, number, p_value, printed
from analysis.output.render import to_html as table_html
from analysis.output.render import to_markdown
from analysis.output.report import TEMPLATES
from analysis.output.safe_text import markdown
from analysis.results.comparison import Changed, Comparison
from analysis.study.values import present

DOT: dict[str, Any] = {"color": "0.3", "marker": "o", "markersize": 3.5, "linestyle": "none"}


def markdown_text(comparison: Comparison, names: tuple[str, str]) -> str:
    """What differs, the variants, their effects and the problems. names: what A and B are, e.g. their folders."""
    declared = comparison.a.declared
    parts = [
        f"# {markdown(declared.name)}: A against B",
        "\n".join(f"- {letter}: {markdown(name)}" for letter, name in zip("AB", names, strict=True)),
        "## What differs",
        *(_changes(title, changed) for title, changed in _differences(comparison)),
        "## Variants",
        to_markdown(comparison.variants),
    ]
    if len(comparison.effects):
        parts += ["## Effects of the variants", to_markdown(comparison.effects)]
    if comparison.problems:
        parts += ["## Problems", "\n".join(f"- {markdown(line)}" for line in comparison.problems)]
    return "\n\n".join(parts) + "\n"


def html_page(comparison: Comparison, names: tuple[str, str]) -> str:
    """The same as one page with a figure; it refers to nothing outside itself, and text from the logs is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    drawn = io.BytesIO()
    with style():
        paired_dots(comparison).savefig(drawn, format="svg", metadata={"Date": None}, transparent=True)
    return environment.get_template("comparison.html").render(
        declared=comparison.a.declared,
        names=names,
        differences=_differences(comparison),
        tables=[
            {"title": title, "html": table_html(table, notes=False), "notes": printed(table).notes}
            for title, table in (("Variants", comparison.variants), ("Effects of the variants", comparison.effects))
            if len(table)
        ],
        picture=f"data:image/svg+xml;base64,{base64.b64encode(drawn.getvalue()).decode()}",
        metric=comparison.metric,
        problems=comparison.problems,
    )


def write(comparison: Comparison, names: tuple[str, str], folder: Path) -> list[Path]:
    """comparison.html, comparison.md and the tables as CSV in `folder`. Raises OSError where it cannot be written."""
    texts = {
        "comparison.html": html_page(comparison, names),
        "comparison.md": markdown_text(comparison, names),
        "comparison_variants.csv": comparison.variants.to_csv(lineterminator="\n"),
    }
    if len(comparison.effects):
        texts["comparison_effects.csv"] = comparison.effects.to_csv(lineterminator="\n")
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")
    return [folder / file for file in texts]


def paired_dots(comparison: Comparison) -> Figure:
    """One row per variant: each seed's value in A (open) and in B (filled), joined."""
    shared = [name for name in comparison.a.variants if name in comparison.b.variants]
    with style():
        figure = Figure(figsize=(WIDTH_IN[1], 0.5 + 0.36 * len(shared)), layout="constrained")
        axes = figure.add_subplot()
        for row, name in enumerate(shared):
            a, b, colour = comparison.a.errors[name], comparison.b.errors[name], comparison.a.looks[name].colour
            for seed in sorted(a.keys() & b.keys()):
                axes.plot([a[seed], b[seed]], [row - 0.14, row + 0.14], color="0.75", linewidth=0.7, zorder=1)
            dots: dict[str, Any] = {**DOT, "color": colour}
            axes.plot(list(a.values()), [row - 0.14] * len(a), markerfacecolor="none", **dots)
            axes.plot(list(b.values()), [row + 0.14] * len(b), **dots)
        axes.set_yticks(range(len(shared)), [comparison.a.declared.labels[name] for name in shared])
        axes.set_ylim(len(shared) - 0.5, -0.5)
        axes.set_xlabel(f"{comparison.metric.heading}, last epoch")
        legend_below(
            figure, [Line2D([], [], markerfacecolor="none", label="A", **DOT), Line2D([], [], label="B", **DOT)]
        )
    return figure


def variants(table: pd.DataFrame) -> Printed:
    """`comparison.variants_compared`."""
    metric, rows = metric_of(table), [row for _, row in table.iterrows()]
    form, unit = f".{metric.digits}f", f" ({metric.difference_unit})" if metric.difference_unit else ""
    columns = {
        "variant": [row["label"] for row in rows],
        f"A{_unit(metric.unit)}": [_median(row, "a", form) for row in rows],
        f"B{_unit(metric.unit)}": [_median(row, "b", form) for row in rows],
        "n": [_counts(row, "n") for row in rows],
        "failed": [_counts(row, "failed") for row in rows],
        f"B − A{unit}": [interval(row["difference"], row["low"], row["high"], f"+{form}") for row in rows],
        "pairs": [str(row["pairs"]) for row in rows],
        "reading of B": [row["reading"] for row in rows],
        "p (adjusted)": [p_value(row["p_adjusted"]) for row in rows],
    }
    notes = [
        f"A, B: median over seeds of the last epoch's {metric.label}"
        f"{'' if metric.lower_is_better else ' (higher is better)'}, failed runs ranked last; n, failed: runs of A and "
        f"of B. B − A: mean over pairs with the same seed, with its t interval. {formatting.adjustment(table)} "
        "all variants: per seed the mean over them, a comparison by itself at 95 %."
    ]
    unequal = [row["label"] for row in rows if present(row["failures_p"]) and row["failures_p"] < 0.05]
    notes += [f"A and B fail unequally often beyond chance (Barnard's test at 5 %): {', '.join(unequal)}."] * bool(
        unequal
    )
    notes += formatting.undetected(table)
    return Printed(formatting.filled(columns), ("variant", "reading of B"), frozenset(), notes)


def effects(table: pd.DataFrame) -> Printed:
    """`comparison.effects_compared`."""
    metric, rows = metric_of(table), [row for _, row in table.iterrows()]
    form, unit = f"+.{metric.digits}f", _unit(metric.difference_unit)
    columns = {
        "variant": [row["label"] for row in rows],
        f"effect in A{unit}": [number(row["a"], form) for row in rows],
        f"effect in B{unit}": [number(row["b"], form) for row in rows],
        f"change{unit}": [interval(row["change"], row["low"], row["high"], form) for row in rows],
        "n": [str(row["pairs"]) for row in rows],
        "reading": [row["reading"] for row in rows],
        "p (adjusted)": [p_value(row["p_adjusted"]) for row in rows],
    }
    notes = [
        "effect: variant minus baseline, mean over pairs with the same seed; change: B's minus A's over the n seeds "
        "that have all four runs, with its t interval. " + formatting.adjustment(table)
    ]
    return Printed(formatting.filled(columns), ("variant", "reading"), frozenset(), notes)


formatting.PRINTERS |= {"comparison": variants, "effect change": effects}


def _differences(comparison: Comparison) -> list[tuple[str, tuple[Changed, ...]]]:
    return [("Settings", comparison.settings), ("Environment", comparison.environment)]


def _changes(title: str, changed: tuple[Changed, ...]) -> str:
    if not changed:
        return f"{title}: the same in both."
    rows = [f"| {markdown(one.path)} | {markdown(one.in_a)} | {markdown(one.in_b)} |" for one in changed]
    return "\n".join([f"| {title.lower()} | A | B |", "| --- | --- | --- |", *rows])


def _median(row: pd.Series, study: str, form: str) -> str:
    failed = row[f"failed_{study}"]
    if math.isnan(row[study]):
        return "fail" if present(failed) and failed else ""
    return number(row[study], form)


def _counts(row: pd.Series, name: str) -> str:
    a, b = row[f"{name}_a"], row[f"{name}_b"]
    return f"{int(a)}, {int(b)}" if present(a) else ""


def _unit(unit: str) -> str:
    return f" ({unit})" if unit else ""
