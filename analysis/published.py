"""The papers' numbers, one row a printed cell, from `published.csv`."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

CSV = Path(__file__).with_name("published.csv")
FAIL = "fail"  # He et al. 2016, Table 1: a test error above 20 %
TYPICAL = ("median", "mean", "unstated")  # what may stand for a cell; "best" and "std" may not


class PublishedError(ValueError):
    """A published table that is not there; one line lists those that are."""


# The recipe behind a table, in the words of the runs' configs: He et al. 2015, section 4.2, and 2016, appendix.
HE_CIFAR: Mapping[str, Any] = {
    "iterations": 64_000,
    "batch_size": 128,
    "learning_rate": 0.1,
    "drops": [0.5, 0.75],
    "drop_factor": 0.1,
    "warmup": 400 / 64_000,
    "warmup_factor": 0.1,
    "momentum": 0.9,
    "nesterov": False,
    "weight_decay": 1e-4,
    "crop_padding": 4,
    "flip": True,
}
RECIPES: Mapping[str, Mapping[str, Any]] = dict.fromkeys(
    ("he2016_table1", "he2016_table2", "he2016_table3", "he2015_table6"), HE_CIFAR
)
TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "resnet110_1layer": "ResNet-110 (1-layer skip)"}


@functools.cache
def load(path: Path = CSV) -> pd.DataFrame:
    """All cells. `value` is NaN where the paper prints `fail`, and the boolean column `failed` is true there.

    `confirmed` is false for a number that was not seen in the paper's text or the named repository.
    """
    cells = pd.read_csv(path, dtype={"value": str})
    cells["failed"] = cells["value"] == FAIL
    cells["value"] = cells["value"].mask(cells["failed"]).astype(float)
    cells["confirmed"] = cells["confirmed"] == "yes"
    return cells


def cells(table: str, net: str, dataset: str | None = None, *, metric: str = "test_error") -> pd.DataFrame:
    """The cells of one table for one net, in the paper's order; no rows for a net the table does not have.

    dataset: None: the first that the table has for this net. Raises PublishedError for an unknown table.
    """
    everything = load()
    if table not in set(everything["table"]):
        known = ", ".join(everything["table"].unique())
        raise PublishedError(f"no published table {table!r}; choose from {known}")
    found = everything[(everything["table"] == table) & (everything["net"] == net) & (everything["metric"] == metric)]
    if dataset is None and len(found):
        dataset = found["dataset"].iloc[0]
    return found[found["dataset"] == dataset].reset_index(drop=True)


def typical(found: pd.DataFrame) -> pd.DataFrame:
    """One cell a variant, indexed by it: the median if the paper prints one, else the mean, else what it prints."""
    ranked = found[found["statistic"].isin(TYPICAL)]
    order = ranked["statistic"].map(TYPICAL.index)
    first = ranked.assign(rank=order).sort_values("rank", kind="stable").drop_duplicates("variant")
    return first.drop(columns="rank").sort_index().set_index("variant")


def title(name: str) -> str:
    """The name in the papers' spelling: resnet110 is ResNet-110, cifar10 is CIFAR-10."""
    if match := re.fullmatch(r"(resnet|cifar)(\d+)", name):
        family = {"resnet": "ResNet", "cifar": "CIFAR"}[match[1]]
        return f"{family}-{match[2]}"
    return TITLES.get(name, name)
