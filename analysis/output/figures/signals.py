"""Does the signal pass? Size of activations and gradients unit by unit, and gate values, from start through training.

The metrics are `signal/<kind>/<nn>`: unit nn, counted from the input, at the start of the row's epoch, so that
epoch 1 holds the initial weights. They are logged for one seed of each variant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis.output.figures import style as st
from analysis.output.figures.text import log_ticks, whole_ticks
from analysis.study import Study

Kind = Literal["activation", "gradient"]
LABELS: Mapping[str, str] = {
    "activation": "activation (RMS, log scale)",
    "gradient": "gradient (RMS, log scale)",
    "gate": "mean gate value (logit scale)",
}
MOST_LINES = 6  # epochs of a signal; units in the legend of gates
GATE_TICKS = (  # from coarse to fine
    (1e-4, 1e-3, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999),
    (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99),
    tuple(percent / 100 for percent in range(1, 100)),
    tuple(tenth / 1000 for tenth in range(1, 1000)),
)
FEWEST_TICKS = 3


@st.figure
def signal(study: Study, kind: Kind, *, columns: st.Columns = 2) -> st.Picture | None:
    """One panel per variant: the root mean square at each unit (logarithmic) against the unit, input to output.

    One line per epoch, darker with training, at most six evenly spaced ones from the initial weights (dashed) to the
    last epoch. Values of 0 and of no finite size have no place. None where the logs hold no such metric.
    """
    found = _by_variant(study, kind)
    if found.empty:
        return None
    shown = _spread(found["trained"].unique())
    found = found[found["trained"].isin(shown)]
    found = found.assign(value=found["value"].where(found["value"].between(0, np.inf, inclusive="neither")))
    styles = {epochs: "-" if epochs else "--" for epochs in shown}
    figure = _draw(study, found, "unit", "trained", styles, "unit, from the input", LABELS[kind], columns)
    figure.axes[0].set_yscale("log")
    log_ticks(figure.axes[0].yaxis)
    keys = {
        _after(epochs): {"color": colour, "linestyle": styles[epochs]} for epochs, colour in st.shades(shown).items()
    }
    st.legend_below(figure, [st.key(text, linewidth=1.0, **line) for text, line in keys.items()])
    return figure


@st.figure
def gates(study: Study, *, columns: st.Columns = 2) -> st.Picture | None:
    """One panel per gated variant: the mean gate value during training, one line per unit, darker for deeper units.

    The axis is of log(g / (1 - g)): a gate that starts at its bias b starts at height b, and 0.001 and 0.999 are as far
    from 0.5. Gates that are 0 or 1 to the last bit have no place. None where the logs hold no gate.
    """
    found = _by_variant(study, "gate")
    if found.empty:
        return None
    found = found.assign(value=found["value"].where(found["value"].between(0, 1, inclusive="neither")))
    units = dict.fromkeys(sorted(found["unit"].unique()), "-")
    figure = _draw(study, found, "trained", "unit", units, "epochs trained", LABELS["gate"], columns)
    axes = figure.axes[0]
    axes.set_yscale("logit")
    low, high = axes.get_ylim()
    inside = [[tick for tick in ticks if low <= tick <= high] for ticks in GATE_TICKS]
    ticks = next((ticks for ticks in inside if len(ticks) >= FEWEST_TICKS), inside[-1])
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks([], minor=True)
    axes.set_ylim(low, high)
    colours = st.shades(units)
    st.legend_below(figure, [st.key(f"unit {unit}", color=colours[unit], linewidth=1.0) for unit in _spread(units)])
    return figure


def _draw(
    study: Study, found: pd.DataFrame, x: str, hue: str, styles: Mapping[int, str], x_label: str, y_label: str,
    columns: st.Columns,
) -> st.Picture:  # fmt: skip
    """A panel for each variant and in it a line for each level of `hue`, in its style."""
    variants = [name for name in study.variants if (found["variant"] == name).any()]
    colours = st.shades(styles)
    alike = found.groupby("variant")[x].max().nunique() == 1  # else a net of two units would be a dash at the left
    titles = [_title(study, name) for name in variants]
    figure, every = st.panels(titles, columns, x_label, y_label, share_x=alike)
    for axes, name in zip(every, variants, strict=True):
        mine = found[found["variant"] == name]
        dot: dict[str, Any] = (
            {"marker": "o", "markersize": 2} if mine[x].nunique() < 2 else {}
        )  # a line would not be seen
        for level, line in mine.pivot(index=x, columns=hue, values="value").items():  # seaborn would bridge gaps
            axes.plot(line, color=colours[level], linestyle=styles[level], linewidth=0.9, **dot)
        whole_ticks(axes.xaxis)
    return figure


def _by_variant(study: Study, kind: str) -> pd.DataFrame:
    """variant, unit, trained (epochs), value: of each variant's first seed that has any."""
    history, columns = study.history, {}
    for column in map(str, study.history):
        if match := re.fullmatch(rf"signal/{kind}/(\d{{1,6}})", column):
            columns[column] = int(match[1])
    rows = history[history[list(columns)].notna().any(axis=1) & history["run_id"].isin(study.counted["run_id"])]
    first = rows.sort_values("seed").groupby("variant")["run_id"].first()
    rows = rows[rows["run_id"].isin(first)].rename(columns=columns).assign(trained=rows["epoch"] - 1)
    long = rows.melt(["variant", "trained"], sorted(columns.values()), "unit", "value")
    return long.dropna(subset="value").sort_values(["unit", "trained"]).astype({"unit": int})


def _spread(values: Iterable[int]) -> list[int]:
    every = sorted(map(int, values))
    return [every[round(i)] for i in np.linspace(0, len(every) - 1, min(MOST_LINES, len(every)))]


def _after(epochs: int) -> str:
    return f"after {epochs} epoch{'s' * (epochs != 1)}" if epochs else "initial weights"


def _title(study: Study, name: str) -> str:
    outcome = study.runs_of(name).sort_values("seed")["outcome"].iloc[0]
    return study.declared.labels[name] + (" (diverged)" if outcome == "diverged" else "")
