"""One row per variant: every seed's last error, medians and the paper's numbers; and, for a ladder, each step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from analysis.output.figures import style as st
from analysis.output.figures.text import wrapped
from analysis.published.cells import title as paper_title
from analysis.stats.paired import difference_of, gaps
from analysis.study import Study
from analysis.study.looks import COLOURS

SEEDS: Mapping[str, Any] = {
    "jitter": False, "color": st.GREY, "size": 3.2, "alpha": 0.7, "zorder": 2, "label": "_seeds", "legend": False,
}  # fmt: skip
LABEL = {1: 20, 2: 30}  # characters in a line, so that labels leave most of the width to the errors
MEDIAN: Mapping[str, Any] = {"marker": "|", "markersize": 10, "markeredgewidth": 1.6, "linestyle": "none"}


@st.figure
def seed_dots(study: Study, *, columns: st.Columns = 1) -> st.Picture:
    """One dot per seed, a bar at the median, thin lines between equal seeds, a diamond for the paper's number.

    The median ranks failed runs last, as in the table; a failed run has no dot, interrupts its line and is counted
    beside its row. The paper's numbers are drawn where data set and metric are those of the runs.
    """
    rows = {name: wrapped(label, LABEL[columns]) for name, label in study.declared.labels.items()}
    figure = st.picture(columns, _height_in(rows))
    axes = figure.add_subplot()
    _errors(axes, study, rows)
    st.legend_below(figure, _keys(study))
    return figure


@st.figure
def ladder(study: Study, *, level: float = 0.95, columns: st.Columns = 2) -> st.Picture | None:
    """Last errors of each step as in `seed_dots`, and beside or below them each step minus the step before it.

    Differences are paired by seed: a dot a pair, the mean with its t interval, which holds for all steps together
    at `level` (Bonferroni), as in the table. Diamonds: the paper's cells, and their differences. A failed run is in
    no pair. None unless the logs declare a ladder of at least two steps that have runs.
    """
    if study.declared.kind != "ladder" or len(study.variants) < 2:
        return None
    names, steps = study.declared.variants, study.declared.steps
    labels = {name: f"+ {steps[name]}" if name in steps else study.declared.labels[name] for name in names}
    rows = {name: wrapped(label, LABEL[columns]) for name, label in labels.items()}
    figure = st.picture(columns, _height_in(rows) * (3 - columns))
    left, right = figure.subplots(3 - columns, columns, sharey=True)
    _errors(left, study, rows)
    _steps(right, study, rows, 1 - (1 - level) / (len(names) - 1))
    mean = st.key(
        f"mean, {100 * level:g} % interval for all steps", color=COLOURS[0], marker="|", markersize=8, linewidth=1.2
    )
    st.legend_below(figure, [*_keys(study), mean])
    return figure


def _height_in(rows: Mapping[str, str]) -> float:
    lines = max(label.count("\n") + 1 for label in rows.values())
    return 0.5 + max(0.27, 0.11 * lines + 0.05) * len(rows)


def _errors(axes: Axes, study: Study, rows: Mapping[str, str]) -> None:
    """Seeds, medians and the paper's cells of every variant, one below the other; rows: variant -> its label."""
    names, published = list(rows), st.paper_cells(study)
    by_seed = pd.DataFrame(study.errors, columns=study.variants).sort_index()
    places = [names.index(name) for name in by_seed]
    axes.plot(by_seed.T.to_numpy(), places, color=st.PALE, linewidth=0.5, zorder=1, label="_pair")
    errors = by_seed.melt(var_name="variant", value_name="error")
    sns.stripplot(errors, x="error", y="variant", order=names, ax=axes, **SEEDS)
    medians = pd.DataFrame({"variant": names, "error": [study.median(name) for name in names]})
    marks: dict[str, Any] = {"y": "variant", "order": names, "errorbar": None, "ax": axes, "legend": False}
    sns.pointplot(medians, x="error", color=st.INK, label="_median", zorder=3, **marks, **MEDIAN)
    papers = published.reindex(names)["value"] if len(published) else pd.Series(math.nan, names)
    axes.plot(papers, range(len(names)), zorder=4, label="_paper", **st.DIAMOND)
    for row, name in enumerate(names):
        notes = [st.counts(study, study.count_text)[1].get(name, "" if name in study.variants else "no run")]
        notes += ["paper: fail"] if name in published.index and published.loc[name, "failed"] else []
        axes.annotate(
            "\n".join(filter(None, notes)), (1, row), xycoords=("axes fraction", "data"), xytext=(3, 0),
            textcoords="offset points", va="center", fontsize=st.SMALL_PT, color=st.GREY,
        )  # fmt: skip
    axes.set_yticks(range(len(names)), list(rows.values()), fontsize=st.SMALL_PT)
    for label in axes.get_yticklabels():
        label.set_linespacing(1.2 if "$" in label.get_text() else 1.0)  # matplotlib sets formulas closer
    axes.set(ylim=(len(names) - 0.5, -0.5), xlabel=f"{study.metric.heading}, last epoch", ylabel="")


def _steps(axes: Axes, study: Study, rows: Mapping[str, str], level: float) -> None:
    names, published = list(rows), st.paper_cells(study)
    steps = {name: gaps(study.errors[before], study.errors[name]) for before, name in pairwise(names)}
    pairs = pd.DataFrame([(name, gap) for name, found in steps.items() for gap in found], columns=["variant", "gap"])

    def interval(taken: pd.Series) -> tuple[float, float]:
        found = difference_of(list(taken), level)
        return found.low, found.high

    axes.tick_params("y", labelsize=st.SMALL_PT)
    axes.axvline(0, color=st.PALE, linewidth=0.6, zorder=0)
    sns.stripplot(pairs, x="gap", y="variant", order=names, ax=axes, **SEEDS)
    sns.pointplot(
        pairs, x="gap", y="variant", order=names, estimator="mean", errorbar=interval, color=COLOURS[0], legend=False,
        err_kws={"linewidth": 1.2}, label="_mean", ax=axes, **{**MEDIAN, "markersize": 8},
    )  # fmt: skip
    if len(published):
        papers = published.reindex(names)["value"].diff()
        axes.plot(papers, range(len(names)), zorder=4, label="_paper", **st.DIAMOND)
    unit = study.metric.difference_unit
    axes.set(xlabel=f"change by the step ({unit})" if unit else "change by the step", ylabel="")


def _keys(study: Study) -> list[Artist]:
    keys: list[Artist] = [
        st.key(f"one seed{st.counts(study, study.count_text)[0]}", **st.DOT),
        st.key("median", **{**MEDIAN, "color": st.INK}),
    ]
    keys += [st.key("same seed", color=st.PALE, linewidth=0.8)] * any(map(len, study.errors.values()))
    if len(st.paper_cells(study)):
        setting = [paper_title(name) for name in (study.paper.net, study.paper.dataset) if name]
        keys.append(st.key(f"paper: {', '.join(setting)}", **st.DIAMOND))
    return keys
