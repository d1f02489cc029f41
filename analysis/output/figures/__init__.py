"""Figures of an ablation at print size, drawn from its logs alone.

Built on matplotlib's Figure without pyplot, so nothing is global and no display is needed. Each function takes the two
frames that `logs.load` gives, `figure(runs, history)`, or the study that is built from them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import pandas as pd
from matplotlib.figure import Figure

from analysis.output.figures.cost import error_against_cost
from analysis.output.figures.crossing import error_to_target
from analysis.output.figures.curves import training_curves
from analysis.output.figures.factorial import degradation, interaction
from analysis.output.figures.seeds import ladder, seed_dots
from analysis.output.figures.signals import gates, signal
from analysis.output.figures.style import Columns, save
from analysis.study import Study

__all__ = [
    "FIGURES", "all_figures", "degradation", "error_against_cost", "error_to_target", "gates", "interaction", "ladder",
    "save", "seed_dots", "signal", "training_curves",
]  # fmt: skip

# In the order of a report; each draws None where the declaration or the logs have nothing for it.
FIGURES: Mapping[str, Callable[..., Figure | None]] = {
    "training_curves": training_curves,
    "seeds": seed_dots,
    "degradation": degradation,
    "interaction": interaction,
    "ladder": ladder,
    "error_to_target": error_to_target,
    "error_against_cost": error_against_cost,
    "signal_activation": functools.partial(signal, kind="activation"),
    "signal_gradient": functools.partial(signal, kind="gradient"),
    "gates": gates,
}


def all_figures(
    runs: pd.DataFrame | Study, history: pd.DataFrame | None = None, columns: Columns | None = None
) -> dict[str, Figure]:
    """Every figure that suits the declared ablation, by file name; only curves if no run has ended yet.

    columns: of print, for all figures; by default each has the number that suits it.
    """
    study = Study.of(runs, history)
    names = list(FIGURES) if len(study.counted) else ["training_curves"] if len(study.drawn) else []
    wide = {} if columns is None else {"columns": columns}
    drawn = {name: FIGURES[name](study, **wide) for name in names}
    return {name: figure for name, figure in drawn.items() if figure is not None}
