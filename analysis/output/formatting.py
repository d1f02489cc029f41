"""A table as it is printed: rounded text under headings with units, its bold cells, and the notes below it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.results.verdict_lines import verdict_text
from analysis.schema import ERROR, Metric

UNCONFIRMED = "?"
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Printed:
    """cells: texts. text: the text columns; all others are numeric. bold: (row, column). notes: below the table."""

    cells: pd.DataFrame
    text: tuple[str, ...]
    bold: frozenset[tuple[int, str]]
    notes: list[str]


@dataclass(frozen=True)
class Headings:
    """Of the columns that hold a metric, with its units: "ours (%)" for the error, which the papers print too."""

    paper: str
    ours: str
    gap: str
    spread: str
    difference: str

    @classmethod
    def of(cls, metric: Metric) -> Headings:
        unit = f" ({metric.unit})" if metric.unit else ""
        change = f" ({metric.difference_unit})" if metric.difference_unit else ""
        ours = f"ours{unit}" if metric == ERROR else metric.heading
        return cls(f"paper{unit}", ours, f"gap{change}", f"mean ± std{unit}", f"difference{change}")


def metric_of(table: pd.DataFrame) -> Metric:
    """What the table's values are of."""
    return table.attrs.get("metric", ERROR)


def adjustment(table: pd.DataFrame) -> str:
    """What its intervals and p-values are adjusted for."""
    return table.attrs["design"].text


def printed(table: pd.DataFrame) -> Printed:
    """A table as it is printed; the name of its index says which table it is: variant, effect, claim or time."""
    return PRINTERS[str(table.index.name)](table)


def number(value: float, form: str) -> str:
    """Empty for NaN, "never" for infinity, with a typographic minus, and no sign before what is rounded to 0."""
    if math.isnan(value):
        return ""
    text = "never" if math.isinf(value) else format(value, form)
    return (text if text.strip("+-0.") else text.lstrip("+-")).replace("-", MINUS)


def filled(columns: Mapping[str, list[str]]) -> pd.DataFrame:
    """The columns that have a text in any row, and the first."""
    first = next(iter(columns))
    return pd.DataFrame({name: cells for name, cells in columns.items() if name == first or any(cells)})


def interval(mean: float, low: float, high: float, form: str = "+.2f") -> str:
    if math.isnan(mean) or math.isnan(low):
        return number(mean, form)
    return f"{number(mean, form)} [{number(low, form)}, {number(high, form)}]"


def p_value(value: float) -> str:
    return "" if math.isnan(value) else "<0.001" if value < 0.001 else f"{value:.3f}"


def variants(table: pd.DataFrame) -> Printed:
    """`variants_table`. `?` marks an unconfirmed number, bold a variant shown to be better than every other."""
    rows, metric = [row for _, row in table.iterrows()], metric_of(table)
    heading, digits = Headings.of(metric), metric.digits
    columns = {
        "variant": [row["label"] for row in rows],
        heading.paper: [_paper(row) for row in rows],
        heading.ours: ["fail" if row["fails"] else number(row["median"], f".{digits}f") for row in rows],
        heading.gap: [number(row["gap"], f"+.{digits}f") for row in rows],
        heading.spread: [_spread(row["mean"], row["std"], digits) for row in rows],
        "n": [str(row["n"]) for row in rows],
        "failed": [str(row["failed"]) for row in rows],
        heading.difference: ["baseline" if row["baseline"] else _difference(row, digits) for row in rows],
        "reading": [row["reading"] for row in rows],
        "p (adjusted)": [p_value(row["p_adjusted"]) for row in rows],
        "parameters": [number(row["parameters"], ",.0f") for row in rows],
        "multiply-adds": [number(row["multiply_adds"], ",.0f") for row in rows],
        "min/run": [number(row["minutes"], ".1f") for row in rows],
    }
    cells = filled(columns)
    gap = "; gap: ours minus paper" if heading.gap in cells else ""
    notes = [
        f"{'ours' if metric == ERROR else heading.ours}: median over seeds of the last epoch's {metric.label}"
        f"{'' if metric.lower_is_better else ' (higher is better)'}, failed runs ranked last; "
        f"mean ± std: over the n runs that finished without failing{gap}.",
        f"difference: variant minus baseline, mean over pairs with the same seed and t interval. {adjustment(table)}",
    ]
    if not table["paper_confirmed"].all():
        notes.append(f"{UNCONFIRMED}: not confirmed in the paper's text.")
    if table["best"].any():
        notes.append("bold: shown to be better than every other variant, each by its paired difference.")
    notes += undetected(table) + _bootstrap(table)
    bold = frozenset((i, heading.ours) for i, best in enumerate(table["best"]) if best)
    return Printed(cells, ("variant", "reading"), bold, notes)


def effects(table: pd.DataFrame) -> Printed:
    """`effects_table`."""
    rows, metric = [row for _, row in table.iterrows()], metric_of(table)
    unit = f" ({metric.difference_unit})" if metric.difference_unit else ""
    columns = {
        "effect": [row["label"] for row in rows],
        "kind": [row["family"] for row in rows],
        f"paper{unit}": [number(row["paper"], f"+.{metric.digits}f") for row in rows],
        f"ours{unit}": [_difference(row, metric.digits) for row in rows],
        "n": [str(row["pairs"]) for row in rows],
        "p (adjusted)": [p_value(row["p_adjusted"]) for row in rows],
        "reading": [row["reading"] for row in rows],
    }
    notes = [f"{kind}: {EFFECT_NOTES[kind]}." for kind in dict.fromkeys(table["family"])]
    notes.append(
        "ours: one contrast per seed, over the n seeds for which no run in it failed, mean and t interval; above 0 is "
        f"{'worse' if metric.lower_is_better else 'better'}. Intervals, at 95 %, and p hold for all effects of a kind."
    )
    notes += undetected(table) + _bootstrap(table)
    return Printed(filled(columns), ("effect", "kind", "reading"), frozenset(), notes)


EFFECT_NOTES: Mapping[str, str] = {
    "main": "the mean difference over all levels of the other factors",
    "interaction": "how much the difference of one factor changes with the level of the other; 0 where the two add up",
    "simple": "the difference at one level of the other factor",
    "step": "the difference to the step before",
}


def claims(table: pd.DataFrame) -> Printed:
    """`claims_table`."""
    rows = [row for _, row in table.iterrows()]
    columns = {
        "paper's claim": [f"{row['better']} < {row['worse']}" for row in rows],
        "paper (pp)": ["fail" if math.isnan(row["gap"]) else number(row["gap"], "+.2f") for row in rows],
        "ours (pp)": [_difference(row) for row in rows],
        "P(A < B)": [_share(row) for row in rows],
        "correlation": [number(row["correlation"], ".2f") for row in rows],
        "n": [str(row["pairs"]) for row in rows],
        "p (adjusted)": [p_value(row["p_adjusted"]) for row in rows],
        "verdict": [verdict_text(row["verdict"], row["why"]) for row in rows],
        "seeds to decide": ["" if pd.isna(row["seeds"]) else f"{row['seeds']}" for row in rows],
    }
    notes = [
        "A < B: the paper reports a lower error for A than for B; ours: B minus A, so above 0 agrees with the paper. "
        "P(A < B): share of pairs in which A has the lower error, with 95 % interval (Bouthillier et al. 2021); "
        "correlation: of the two errors of a pair. Intervals and p hold for all comparisons with the baseline, and for "
        "all others; equivalent: smaller than the paper's difference or than --margin.",
    ]
    return Printed(filled(columns), ("paper's claim", "verdict"), frozenset(), notes)


def times(table: pd.DataFrame) -> Printed:
    """`times_table`."""
    rows = [row for _, row in table.iterrows()]
    columns = {
        "variant": [row["label"] for row in rows],
        "epochs": [number(row["epochs"], ".1f") for row in rows],
        "iterations": [number(row["iterations"], ",.0f") for row in rows],
        "reached": [f"{row['reached']} of {row['n']}" for row in rows],
        "times as long": ["reference" if row["reference"] else _ratio(row) for row in rows],
        "sooner, later": ["" if row["reference"] else f"{row['sooner']}, {row['later']}" for row in rows],
        "p (adjusted)": [p_value(row["p_adjusted"]) for row in rows],
        "test": [row["test"] for row in rows],
    }
    notes = [
        f"epochs: median number until the training error is at or below {table['target'].iloc[0]:g} %; runs that never "
        "get there rank last. times as long: ratio of the medians, in brackets the 95 % interval of the geometric mean "
        "over the pairs, if every run gets there. sooner, later: number of pairs with the same seed."
    ]
    if table["fastest"].any():
        notes.append(
            "Each net is compared at its learning rate with the smallest median; that rate was chosen on these same "
            "runs, which flatters both."
        )
    return Printed(filled(columns), ("variant", "test"), frozenset(), notes)


PRINTERS: dict[str, Callable[[pd.DataFrame], Printed]] = {
    "variant": variants,
    "effect": effects,
    "claim": claims,
    "time": times,
}


def _paper(row: pd.Series) -> str:
    text = "fail" if row["paper_failed"] else number(row["paper"], ".2f")
    return text if row["paper_confirmed"] else text + UNCONFIRMED


def _spread(mean: float, std: float, digits: int) -> str:
    texts = [number(value, f".{digits}f") for value in (mean, std)]
    return " ± ".join(filter(None, texts))


def _difference(row: pd.Series, digits: int = 2) -> str:
    return interval(row["difference"], row["low"], row["high"], f"+.{digits}f")


def _share(row: pd.Series) -> str:
    return interval(row["share"], row["share_low"], row["share_high"], ".2f")


def _ratio(row: pd.Series) -> str:
    return interval(row["ratio"], row["low"], row["high"], ".2f")


def undetected(table: pd.DataFrame) -> list[str]:
    """The difference that each row without a shown difference could have shown."""
    mute = table[(table["reading"] == "no difference shown") & table["detectable"].notna()]
    if mute.empty:
        return []
    metric = metric_of(table)
    each = ", ".join(f"{row['label']} {row['detectable']:.{metric.digits}f}" for _, row in mute.iterrows())
    size = f"size ({metric.difference_unit})" if metric.difference_unit else "size"
    return [f"no difference shown: with this many seeds, a true difference of this {size} has a power of 0.8: {each}."]


def _bootstrap(table: pd.DataFrame) -> list[str]:
    drawn = table[table["boot_low"].notna()]
    if drawn.empty:
        return []
    form = f"+.{metric_of(table).digits}f"
    each = "; ".join(
        f"{row['label']} [{number(row['boot_low'], form)}, {number(row['boot_high'], form)}]"
        for _, row in drawn.iterrows()
    )
    return [f"95 % bootstrap intervals, each for itself (BCa, widened for small n): {each}."]
