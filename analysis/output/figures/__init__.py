"""Figures of an ablation, at the size they print, from its logs alone.

Built on matplotlib's Figure without pyplot, so nothing is global and no display is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd
from matplotlib.figure import Figure

from analysis import study
from analysis.output.figures.cost import error_against_cost
from analysis.output.figures.crossing import error_to_target
from analysis.output.figures.curves import curve_panels, curves, training_curves
from analysis.output.figures.factorial import degradation, interaction
from analysis.output.figures.ladder import ladder
from analysis.output.figures.seeds import seed_dots
from analysis.output.figures.signals import gates, signal
from analysis.output.figures.style import save

__all__ = [
    "all_figures",
    "curve_panels",
    "degradation",
    "error_against_cost",
    "error_to_target",
    "gates",
    "interaction",
    "ladder",
    "save",
    "seed_dots",
    "signal",
    "training_curves",
]

Draw = Callable[[pd.DataFrame, pd.DataFrame], Figure | None]
# In the order of a report; each draws None where the declaration or the logs have nothing for it.
FIGURES: Mapping[str, Draw] = {
    "training_curves": curves,
    "seeds": lambda runs, history: seed_dots(runs),
    "degradation": degradation,
    "interaction": lambda runs, history: interaction(runs),
    "ladder": lambda runs, history: ladder(runs),
    "error_to_target": error_to_target,
    "error_against_cost": lambda runs, history: error_against_cost(runs),
    "signal_activation": lambda runs, history: signal(runs, history, "activation"),
    "signal_gradient": lambda runs, history: signal(runs, history, "gradient"),
    "gates": gates,
}


def all_figures(runs: pd.DataFrame, history: pd.DataFrame) -> dict[str, Figure]:
    """Every figure that fits the ablation, by file name, as its runs declare it; none without a run that counts.

    Raises study.TableError where the runs do not belong to one declared ablation.
    """
    if study.compared(runs).empty:
        return {}
    drawn = {name: draw(runs, history) for name, draw in FIGURES.items()}
    return {name: figure for name, figure in drawn.items() if figure is not None}
