"""Does the signal pass? Size of activations and gradients unit by unit, and gate values, from start through training.

The metrics are `signal/<kind>/<nn>`: unit nn, counted from the input, at the start of the row's epoch, so that
epoch 1 holds the initial weights. They are logged for one seed of each variant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.output.figures.style import log_ticks, panels, shades, small_title, style, whole_ticks
from analysis.study import Study

Kind = Literal["activation", "gradient"]
LABELS: Mapping[str, str] = {
    "activation": "activation (root mean square)",
    "gradient": "gradient (root mean square)",
    "gate": "mean gate value",
}
EPOCHS_SHOWN = 6
GATE_TICKS = (1e-4, 1e-3, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def signal(study: Study, kind: Kind) -> Figure | None:
    """One panel per variant: the root mean square at each unit (logarithmic) against the unit, input to output.

    One line an epoch, darker with training, at most six evenly spaced ones from the initial weights to the last
    epoch. Values of 0 and of no finite size have no place. None where the logs hold no such metric.
    """
    found = _by_variant(study, kind)
    if not found:
        return None
    trained = sorted({int(epoch) - 1 for table in found.values() for epoch in table.index})
    shown = [trained[round(i)] for i in np.linspace(0, len(trained) - 1, min(EPOCHS_SHOWN, len(trained)))]
    colour = dict(zip(shown, shades(len(shown)), strict=True))
    with style():
        figure, every = panels(len(found), "unit (from the input)", LABELS[kind])
        every[0].set_yscale("log")
        for axes, (name, table) in zip(every, found.items(), strict=True):
            for epochs in (epochs for epochs in shown if epochs + 1 in table.index):
                size = table.loc[epochs + 1]
                size = size.where((size > 0) & (size < np.inf))
                line, above = ("-", 2) if epochs else ("--", 3)
                axes.plot(table.columns, size, line, color=colour[epochs], linewidth=1.0, zorder=above, **_dot(size))
            _name(axes, study, name)
        whole_ticks(every[0].xaxis)
        log_ticks(every[0].yaxis, text=_short)
        colours = ListedColormap(list(colour.values()))
        bounds = np.arange(len(shown) + 1) - 0.5
        bar = figure.colorbar(
            ScalarMappable(BoundaryNorm(bounds, len(shown)), colours), ax=every, ticks=range(len(shown)), pad=0.01,
            label="epochs trained (dashed: 0)", aspect=30,
        )  # fmt: skip
        bar.ax.set_yticklabels(map(str, shown))
    return figure


def gates(study: Study) -> Figure | None:
    """One panel per gated variant: the mean gate value during training, one line per unit, darker for deeper units.

    The axis is of log(g / (1 - g)): a gate that starts at its bias b starts at height b, and 0.001 and 0.999 are as far
    from 0.5. Gates that are 0 or 1 to the last bit have no place. None where the logs hold no gate.
    """
    found = _by_variant(study, "gate")
    if not found:
        return None
    units = max(max(table.columns) for table in found.values())
    dark = mpl.colors.LinearSegmentedColormap.from_list("depth", shades(64))
    with style():
        figure, every = panels(len(found), "epochs trained", LABELS["gate"])
        for axes, (name, table) in zip(every, found.items(), strict=True):
            for unit in table.columns:
                value = table[unit].where(table[unit].between(0, 1, inclusive="neither"))
                axes.plot(
                    table.index - 1, value, color=dark(unit / max(1, units)), linewidth=0.8, **_dot(value),
                )  # fmt: skip
            _name(axes, study, name)
        every[0].set_yscale("logit")
        every[0].yaxis.set_major_locator(FixedLocator(GATE_TICKS))
        every[0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        every[0].yaxis.set_minor_locator(NullLocator())
        whole_ticks(every[0].xaxis)
        figure.colorbar(
            ScalarMappable(Normalize(0, max(1, units)), dark), ax=every, pad=0.01, label="unit", aspect=30
        )  # fmt: skip
    return figure


def _by_variant(study: Study, kind: str) -> dict[str, pd.DataFrame]:
    """Variant -> values by epoch (rows) and unit (columns), for its first seed that has them."""
    columns = {
        int(match[1]): column
        for column in study.history
        if (match := re.fullmatch(rf"signal/{kind}/(\d{{1,6}})", str(column)))
    }
    units = sorted(columns)
    history = study.history
    rows = history[history[[columns[unit] for unit in units]].notna().any(axis=1)] if columns else history[:0]
    found = {}
    for name in study.variants:
        ids = study.runs_of(name).sort_values("seed")["run_id"]
        mine = rows[rows["run_id"] == next((run for run in ids if (rows["run_id"] == run).any()), None)]
        table = mine.set_index("epoch").sort_index()[[columns[unit] for unit in units]].set_axis(units, axis=1)
        if not table.empty:
            found[name] = table.dropna(how="all", axis=1)
    return found


def _name(axes: Axes, study: Study, name: str) -> None:
    outcome = study.runs_of(name).sort_values("seed")["outcome"].iloc[0]
    small_title(axes, study.declared.labels[name] + (" (diverged)" if outcome == "diverged" else ""))


def _dot(values: pd.Series) -> dict[str, Any]:
    """A marker for a line with only one point, which would be invisible."""
    return {"marker": "o", "markersize": 2} if values.notna().sum() < 2 else {}


def _short(value: float) -> str:
    """0.0002, and 2e-5 as a power of ten."""
    if 1e-4 <= value < 1e4:
        return f"{value:g}"
    digits, _, power = f"{value:e}".partition("e")
    factor = "" if float(digits) == 1 else f"{float(digits):g} × "
    return f"{factor}10{str(int(power)).translate(SUPERSCRIPTS)}"
