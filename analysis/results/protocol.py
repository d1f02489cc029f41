"""Which published cells the runs are set beside, and whether both were trained alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.published import cells as published
from analysis.published.recipes import RECIPES
from analysis.study import Declaration, compared, declaration

STATISTICS = {"single": "one run", "unstated": "runs not stated"}  # the others speak for themselves: "median of 5"


@dataclass(frozen=True)
class PaperCells:
    """The published cells beside the runs, one a variant.

    net: None where there is nothing to compare with; "" where each variant is a net of its own.
    """

    net: str | None
    dataset: str | None
    by_variant: pd.DataFrame


def paper_cells(runs: pd.DataFrame, declared: Declaration) -> PaperCells:
    """The cells of the runs' own net and data set; where the table lacks the net, those of the ablation's paper net.

    Where the net is a factor, each variant is matched by its name alone. A table without a cell for any of the
    variants is nothing to compare with.
    """
    nothing = PaperCells(None, None, pd.DataFrame())
    if declared.published is None:
        return nothing
    dataset = _setting(runs, "data.name")
    nets = (
        [declared.paper_net] if _is_factor("net.name", declared) else [_setting(runs, "net.name"), declared.paper_net]
    )
    if declared.paper_net is not None:
        nets = [net for net in nets if net]
    for net, wanted in ((net, wanted) for net in nets for wanted in (dataset, None)):
        cells = published.typical(published.cells(declared.published, net, wanted))
        cells = cells[cells.index.isin(declared.variants)]
        if len(cells):
            return PaperCells(net or "", cells["dataset"].iloc[0], cells)
    return nothing


def stated_differences(declared: Declaration) -> pd.DataFrame:
    """What the paper prints as differences to the baseline where it prints no errors; see `published.stated`."""
    if declared.published is None:
        return pd.DataFrame(columns=["value", "net", "dataset"])
    return published.stated(declared.published, declared.variants)


def paper_setting(runs: pd.DataFrame) -> tuple[str, str] | None:
    """Net ("": each variant's own) and data set of the published numbers, errors or differences; None without any."""
    declared = declaration(runs)
    cells, stated = paper_cells(runs, declared), stated_differences(declared)
    if cells.net is not None:
        return cells.net, str(cells.dataset)
    return (str(stated["net"].iloc[0]), str(stated["dataset"].iloc[0])) if len(stated) else None


def deviations(runs: pd.DataFrame) -> list[str]:
    """In which settings the runs leave the paper's net, data or recipe, the factor aside: ["net", "iterations"].

    What is in a user's folder of images is not known, so it never counts as the paper's data.
    """
    declared = declaration(runs)
    if (paper := paper_setting(runs)) is None:
        return []
    net, dataset = paper
    papers = {"net.name": net} if net else {}
    papers |= {"data.name": dataset, "data.train_images": None}
    papers |= {f"recipe.{key}": value for key, value in RECIPES.get(declared.published or "", {}).items()}
    ours = {path: _setting(runs, path) for path in papers}
    changed = [path for path, paper in papers.items() if not _is_factor(path, declared) and ours[path] != paper]
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
    net = "each variant's net" if _is_factor("net.name", declared) else _text(_setting(runs, "net.name"))
    ours = f"Ours: {net} on {_text(_setting(runs, 'data.name'))}, {seeds} seed{'s' * (seeds != 1)}, {length}"
    if cells.net is None:
        return f"{ours}. There is no published cell to compare with.{_differences(declared)}"
    cell = cells.by_variant.iloc[0]
    recipe = RECIPES.get(declared.published or "", {})
    steps = f"{_text(recipe['iterations'])} iterations, " if "iterations" in recipe else ""
    statistic = STATISTICS.get(cell["statistic"]) or cell["statistic"] + _of(cell["n"])
    sources = ", ".join(dict.fromkeys(cells.by_variant["paper"]))
    theirs = _text(cells.net) if cells.net else "each variant's net"
    paper = f"Paper: {theirs} on {_text(cells.dataset)}, {steps}{statistic} ({sources})."
    if changed := deviations(runs):
        return f"{paper} {ours}: another protocol ({', '.join(changed)}), so the gap is not a reproduction error."
    return f"{paper} {ours}: the paper's net, data set and recipe."


def _differences(declared: Declaration) -> str:
    """What the paper prints as differences or ratios, in a sentence; empty where it prints none."""
    if declared.published is None:
        return ""
    said = published.differences(declared.published, declared.variants)
    words = [
        f"{declared.labels.get(c['variant'], c['variant'])} {published.difference_text(c)}" for _, c in said.iterrows()
    ]
    return f" Published as differences: {'; '.join(words)}." if words else ""


def _of(runs: float) -> str:
    return "" if pd.isna(runs) else f" of {int(runs)}"


def _is_factor(path: str, declared: Declaration) -> bool:
    return any(path == factor or path.startswith(f"{factor}.") for factor in declared.factors)


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
