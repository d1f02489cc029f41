"""Figures of an ablation at print size, drawn from its logs alone.

Built on matplotlib's Figure without pyplot, so nothing is global and no display is needed. The functions of this
package take the frames that `logs.load` gives; those of its modules take the study that is built from them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pandas as pd
from matplotlib.figure import Figure

from analysis.output.figures import cost, crossing, curves, factorial, seeds, signals
from analysis.output.figures.style import save
from analysis.study import Study

__all__ = [
    "all_figures",
    "curve_panels",
    "degradation",
    "draw_all",
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

Drawn = TypeVar("Drawn")
Draw = Callable[[Study], Figure | None]
# In the order of a report; each draws None where the declaration or the logs have nothing for it.
FIGURES: Mapping[str, Draw] = {
    "training_curves": curves.curves,
    "seeds": seeds.seed_dots,
    "degradation": factorial.degradation,
    "interaction": factorial.interaction,
    "ladder": seeds.draw_ladder,
    "error_to_target": crossing.error_to_target,
    "error_against_cost": cost.error_against_cost,
    "signal_activation": functools.partial(signals.signal, kind="activation"),
    "signal_gradient": functools.partial(signals.signal, kind="gradient"),
    "gates": signals.gates,
}


def draw_all(study: Study) -> dict[str, Figure]:
    """Every figure that suits the declared ablation, by file name; only curves if no run has ended yet."""
    figures = (
        FIGURES if len(study.counted) else {"training_curves": FIGURES["training_curves"]} if len(study.drawn) else {}
    )
    drawn = {name: draw(study) for name, draw in figures.items()}
    return {name: figure for name, figure in drawn.items() if figure is not None}


def from_frames(draw: Callable[..., Drawn]) -> Callable[..., Drawn]:
    """Lets a figure be drawn from the two frames, `figure(runs, history)`: builds the study first."""

    @functools.wraps(draw)
    def figure(runs: pd.DataFrame, history: pd.DataFrame | None = None, *args: Any, **options: Any) -> Drawn:
        return draw(Study.from_frames(runs, history), *args, **options)

    return figure


all_figures = from_frames(draw_all)
training_curves = from_frames(curves.training_curves)
curve_panels = from_frames(curves.curve_panels)
seed_dots = from_frames(seeds.seed_dots)
degradation = from_frames(factorial.degradation)
interaction = from_frames(factorial.interaction)
ladder = from_frames(seeds.draw_ladder)
error_to_target = from_frames(crossing.error_to_target)
error_against_cost = from_frames(cost.error_against_cost)
signal = from_frames(signals.signal)
gates = from_frames(signals.gates)
