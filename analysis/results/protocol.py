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
class Differing:
    """A setting that is not the paper's, with both values in words."""

    what: str
    paper: str
    ours: str


@dataclass(frozen=True)
class Protocol:
    """setting: net ("": each variant's own) and data set of the published numbers; None where there are none.

    differing: in which settings the runs leave the paper's net, data or recipe, the factors aside. runs: how many, the
    paper's and ours; None without a published cell. note: both protocols in two sentences.
    """

    setting: tuple[str, str] | None
    differing: tuple[Differing, ...]
    runs: Differing | None
    note: str

    @property
    def deviations(self) -> tuple[str, ...]:
        """The names of the settings that differ."""
        return tuple(each.what for each in self.differing)


def protocol(study: Study) -> Protocol:
    setting = _paper_setting(study)
    differing = () if setting is None else _differing(study, *setting)
    return Protocol(setting, differing, _runs(study), _note(study, tuple(each.what for each in differing)))


def _paper_setting(study: Study) -> tuple[str, str] | None:
    paper, stated = study.paper, study.stated
    if paper.net is not None:
        return paper.net, str(paper.dataset)
    return (str(stated["net"].iloc[0]), str(stated["dataset"].iloc[0])) if len(stated) else None


def _differing(study: Study, net: str, dataset: str) -> tuple[Differing, ...]:
    """The content of a user's own folder of images is unknown, so it never counts as the paper's data."""
    declared = study.declared
    papers: dict[str, Any] = {"net.name": net} if net else {}
    papers |= {"data.name": dataset, "data.train_images": None}
    papers |= {f"recipe.{key}": value for key, value in RECIPES.get(declared.published or "", {}).items()}
    ours = {path: study.setting(path) for path in papers}
    changed = [path for path, paper in papers.items() if not declared.is_factor(path) and ours[path] != paper]
    said = {path: (_text(papers[path]), _text(ours[path])) for path in changed}
    if "data.train_images" in said:
        said["data.train_images"] = ("all", said["data.train_images"][1])
    epochs = study.counted["epochs"].max() if len(study.counted) else 0
    if "recipe.iterations" in said and epochs:
        theirs, mine = said["recipe.iterations"]
        said["recipe.iterations"] = (theirs, f"{mine} ({epochs} epoch{'s' if epochs != 1 else ''})")
    return tuple(
        Differing(path.removesuffix(".name").rpartition(".")[2].replace("_", " "), *values)
        for path, values in said.items()
    )


def _runs(study: Study) -> Differing | None:
    """Of each variant."""
    cells = study.paper.by_variant
    if cells.empty:
        return None
    counts = sorted({len(study.runs_of(name)) for name in study.variants})
    ours = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1])))) if counts else "none"
    theirs = dict.fromkeys(_statistic(cell) for _, cell in cells.iterrows())
    return Differing("runs of each variant", ", ".join(theirs), ours)


def _statistic(cell: pd.Series) -> str:
    number = "" if pd.isna(cell["n"]) else f" of {int(cell['n'])}"
    return STATISTICS.get(cell["statistic"]) or cell["statistic"] + number


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
    statistic = _statistic(cell)
    sources = ", ".join(dict.fromkeys(paper.by_variant["paper"]))
    theirs = _text(paper.net) if paper.net else "each variant's net"
    said = f"Paper: {theirs} on {_text(paper.dataset)}, {steps}{statistic} ({sources})."
    if deviations:
        return f"{said} {ours}: another protocol ({', '.join(deviations)})."
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
