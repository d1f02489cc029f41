"""Which published cells the runs are set beside, and whether both were trained alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis import published
from analysis.comparable import Declaration, compared, declaration


@dataclass(frozen=True)
class PaperCells:
    """The published cells beside the runs, one a variant; net is None where there is nothing to compare with."""

    net: str | None
    dataset: str | None
    by_variant: pd.DataFrame


def paper_cells(runs: pd.DataFrame, declared: Declaration) -> PaperCells:
    """The cells of the runs' own net and data set; where the table lacks the net, those of the ablation's paper net."""
    nothing = PaperCells(None, None, pd.DataFrame())
    if declared.published is None:
        return nothing
    net, dataset = _setting(runs, "net.name"), _setting(runs, "data.name")
    for candidate, wanted in ((net, dataset), (net, None), (declared.paper_net, dataset), (declared.paper_net, None)):
        found = published.cells(declared.published, candidate, wanted) if candidate else pd.DataFrame()
        if len(found):
            return PaperCells(candidate, found["dataset"].iloc[0], published.typical(found))
    return nothing


def deviations(runs: pd.DataFrame) -> list[str]:
    """In which settings the runs leave the paper's net, data or recipe, the factor aside: ["net", "iterations"]."""
    declared = declaration(runs)
    cells = paper_cells(runs, declared)
    if cells.net is None:
        return []
    papers = {"net.name": cells.net, "data.name": cells.dataset, "data.train_images": None}
    papers |= {f"recipe.{key}": value for key, value in published.RECIPES.get(declared.published or "", {}).items()}
    changed = [path for path, paper in papers.items() if path not in declared.factors and _setting(runs, path) != paper]
    return [path.removesuffix(".name").rpartition(".")[2].replace("_", " ") for path in changed]


def same_protocol(runs: pd.DataFrame) -> bool:
    """There is a published net, and the runs keep its data set and recipe."""
    return paper_cells(runs, declaration(runs)).net is not None and not deviations(runs)


def protocol_note(runs: pd.DataFrame) -> str:
    """What was compared with what, in two sentences: the paper's protocol, ours, and whether they are one."""
    declared = declaration(runs)
    cells = paper_cells(runs, declared)
    counted = compared(runs)
    seeds = counted["seed"].nunique()
    iterations = _setting(runs, "recipe.iterations")
    length = f"{counted['epochs'].max()} epochs" if len(counted) else "no finished run"
    if iterations is not None:
        length += f" ({_text(iterations)} iterations)"
    ours = (
        f"Ours: {_text(_setting(runs, 'net.name'))} on {_text(_setting(runs, 'data.name'))}, "
        f"{seeds} seed{'s' * (seeds != 1)}, {length}"
    )
    if cells.net is None:
        return f"{ours}. There is no published cell to compare with."
    cell = cells.by_variant.iloc[0]
    recipe = published.RECIPES.get(declared.published or "", {})
    steps = f"{_text(recipe['iterations'])} iterations, " if recipe else ""
    statistic = cell["statistic"] + ("" if pd.isna(cell["n"]) else f" of {int(cell['n'])}")
    paper = f"Paper: {_text(cells.net)} on {_text(cells.dataset)}, {steps}{statistic} ({cell['paper']})."
    if changed := deviations(runs):
        return f"{paper} {ours}: another protocol ({', '.join(changed)}), so the gap is not a reproduction error."
    return f"{paper} {ours}: the paper's net, data set and recipe."


def _setting(runs: pd.DataFrame, path: str) -> Any:
    """The value that the runs share, from those that count, or else from any; None where there is none."""
    column = f"config.{path}"
    for frame in (compared(runs), runs):
        if column in frame and len(values := frame[column].dropna()):
            value = values.iloc[0]
            return value.item() if isinstance(value, np.generic) else value
    return None


def _text(value: str | float | None) -> str:
    if value is None:
        return "unknown"
    return published.title(value) if isinstance(value, str) else f"{value:,.10g}"
