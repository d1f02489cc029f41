"""Whether the paper and these runs trained alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.published import cells
from analysis.published.recipes import RECIPES
from analysis.study import Study
from analysis.study.values import is_number, readable

STATISTICS = {
    "single": "one run",
    "unstated": "number of runs not stated",
}  # else "median of 5"


@dataclass(frozen=True)
class Protocol:
    """setting: net ("": each variant's own) and data set of the published numbers; None where there are none.

    deviations: in which settings the runs leave the paper's net, data or recipe, the factors aside. note: both
    protocols in two sentences.
    """

    setting: tuple[str, str] | None
    deviations: tuple[str, ...]
    note: str


def protocol(study: Study) -> Protocol:
    setting = _paper_setting(study)
    deviations = () if setting is None else _deviations(study, *setting)
    return Protocol(setting, deviations, _note(study, deviations))


def _paper_setting(study: Study) -> tuple[str, str] | None:
    paper, stated = study.paper, study.stated
    if paper.net is not None:
        return paper.net, str(paper.dataset)
    return (str(stated["net"].iloc[0]), str(stated["dataset"].iloc[0])) if len(stated) else None


def _deviations(study: Study, net: str, dataset: str) -> tuple[str, ...]:
    """The content of a user's own folder of images is unknown, so it never counts as the paper's data."""
    declared = study.declared
    papers: dict[str, Any] = {"net.name": net} if net else {}
    papers |= {"data.name": dataset, "data.train_images": None}
    papers |= {f"recipe.{key}": value for key, value in RECIPES.get(declared.published or "", {}).items()}
    ours = {path: study.setting(path) for path in papers}
    changed = [path for path, paper in papers.items() if not declared.is_factor(path) and ours[path] != paper]
    return tuple(path.removesuffix(".name").rpartition(".")[2].replace("_", " ") for path in changed)


def _note(study: Study, deviations: tuple[str, ...]) -> str:
    """What was compared with what: the paper's protocol, ours, and whether they are one."""
    declared, counted, paper = study.declared, study.counted, study.paper
    seeds = counted["seed"].nunique()
    iterations = study.setting("recipe.iterations")
    epochs = int(counted["epochs"].max()) if len(counted) else 0
    several = "s" * (epochs != 1)
    unit = f"value{several} of the {declared.step}" if declared.meaning else f"epoch{several}"
    length = f"{epochs} {unit}" if len(counted) else "no finished run"
    if iterations is not None:
        length += f" ({_text(iterations)} iterations)"
    if declared.meaning:
        return f"{declared.meaning} {seeds} seed{'s' * (seeds != 1)}, {length} per run."
    net = "each variant's net" if declared.is_factor("net.name") else _text(study.setting("net.name"))
    ours = f"Ours: {net} on {_text(study.setting('data.name'))}, {seeds} seed{'s' * (seeds != 1)}, {length}"
    if paper.net is None:
        return f"{ours}. There is no published {study.metric.label} to compare with.{_differences(study)}"
    cell = paper.by_variant.iloc[0]
    recipe = RECIPES.get(declared.published or "", {})
    steps = f"{_text(recipe['iterations'])} iterations, " if "iterations" in recipe else ""
    number = "" if pd.isna(cell["n"]) else f" of {int(cell['n'])}"
    statistic = STATISTICS.get(cell["statistic"]) or cell["statistic"] + number
    sources = ", ".join(dict.fromkeys(paper.by_variant["paper"]))
    theirs = _text(paper.net) if paper.net else "each variant's net"
    said = f"Paper: {theirs} on {_text(paper.dataset)}, {steps}{statistic} ({sources})."
    if deviations:
        return f"{said} {ours}: another protocol ({', '.join(deviations)}), so the gap is not a reproduction error."
    return f"{said} {ours}: the paper's net, data set and recipe."


def _differences(study: Study) -> str:
    """What the paper prints as differences or ratios, in a sentence; empty where it prints none."""
    declared = study.declared
    if declared.published is None or study.metric.published is None:
        return ""
    said = cells.differences(declared.published, declared.variants, metric=study.metric.published)
    words = [
        f"{declared.labels.get(c['variant'], c['variant'])} {cells.difference_text(c)}" for _, c in said.iterrows()
    ]
    return f" The paper reports differences: {'; '.join(words)}." if words else ""


def _text(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, str):
        return cells.title(value)
    return f"{value:,.10g}" if is_number(value) else readable(value)
