"""The papers' numbers, one row per printed cell, from `cells.csv`."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection
from pathlib import Path

import pandas as pd

CSV = Path(__file__).with_name("cells.csv")
FAIL = "fail"  # He et al. 2016, Table 1: a test error above 20 %
TYPICAL = ("median", "mean", "single", "unstated")  # what may represent a cell; "best", "std" and "cited" may not


NOT_OURS = ("svhn",)  # data sets that the bench does not have


class PublishedError(ValueError):
    """An unknown published table; the one-line message lists the known ones."""


TITLES = {
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "imagenet": "ImageNet",
    "resnet110_1layer": "ResNet-110 (1-layer skip)",
    "alexnet_2012": "AlexNet",
    "alexnet_cifar": "cuda-convnet's net",
    "googlenet": "GoogLeNet",
    "inception_v3": "Inception-v3",
    "mobilenet": "MobileNet",
}


@functools.cache
def all_cells(path: Path = CSV) -> pd.DataFrame:
    """All cells. `value` is NaN where the paper prints `fail`, and the boolean column `failed` is true there.

    `confirmed` is false for a number that was not seen in the paper's text or the named repository.
    """
    cells = pd.read_csv(path, dtype={"value": str})
    cells["failed"] = cells["value"] == FAIL
    cells["value"] = cells["value"].mask(cells["failed"]).astype(float)
    cells["confirmed"] = cells["confirmed"] == "yes"
    return cells


@functools.cache
def table_names() -> frozenset[str]:
    return frozenset(all_cells()["table"])


def of_table(table: str) -> pd.DataFrame:
    """Every row of one table, whatever its net, metric and statistic. Raises PublishedError for an unknown table."""
    everything = all_cells()
    if table not in table_names():
        known = ", ".join(everything["table"].unique())
        raise PublishedError(f"no published table {table!r}; choose from {known}")
    return everything[everything["table"] == table]


def cells(table: str, net: str | None, dataset: str | None = None, *, metric: str = "test_error") -> pd.DataFrame:
    """The cells of one table for one net, in the paper's order; no rows for a net the table does not have.

    net: None: all, where each variant is a net of its own. dataset: None: the first that the table has for this net.
    metric: "test_error" is top-1. Raises PublishedError for an unknown table.
    """
    found = of_table(table)
    found = found[found["metric"] == metric]
    if net is not None:
        found = found[found["net"] == net]
    if dataset is None and len(found):
        dataset = found["dataset"].iloc[0]
    return found[found["dataset"] == dataset].reset_index(drop=True)


def typical(found: pd.DataFrame) -> pd.DataFrame:
    """One cell per variant, indexed by it: the median if the paper prints one, else the mean, else what it prints."""
    ranked = found[found["statistic"].isin(TYPICAL)]
    order = ranked["statistic"].map(TYPICAL.index)
    first = ranked.assign(rank=order).sort_values("rank", kind="stable").drop_duplicates("variant")
    return first.drop(columns="rank").sort_index().set_index("variant")


def counterparts(table: str, variants: Collection[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of a table that variants of these names are compared with, and those without a counterpart.

    Compared are the typical test errors, on every net and data set that the table has for the variant.
    """
    everything = of_table(table)
    is_compared = (
        everything["variant"].isin(variants)
        & (everything["metric"] == "test_error")
        & everything["statistic"].isin(TYPICAL)
        & ~everything["dataset"].str.endswith("_unaugmented")
        & ~everything["dataset"].isin(NOT_OURS)
    )
    return everything[is_compared], everything[~is_compared]


def cell_name(cell: pd.Series) -> str:
    """One cell in words: "residual1202, ResNet-1202 on CIFAR-10: 7.93 % (single)"."""
    value = FAIL if cell["failed"] else f"{cell['value']:g} {cell['unit']}"
    kind = "" if cell["metric"] == "test_error" else f"{cell['metric'].replace('_', ' ')} "
    mark = "" if cell["confirmed"] else ", not confirmed"
    where = f"{title(cell['net'])} on {title(cell['dataset'])}"
    return f"{cell['variant']}, {where}: {kind}{value} ({cell['statistic']}{mark})"


def differences(table: str, variants: Collection[str], *, metric: str = "test_error") -> pd.DataFrame:
    """What a table prints as a difference in the metric or a ratio of times: its rows for these variants.

    A row may name a level, as `relu` of `relu_0.01`.
    """
    everything = of_table(table)
    said = everything["metric"].str.startswith((f"{metric}_difference", "epochs_ratio", "iterations_ratio"))
    mine = everything["variant"].map(lambda row: any(v == row or v.startswith(f"{row}_") for v in variants))
    return everything[said & mine]


def stated(table: str, variants: Collection[str], *, metric: str = "test_error") -> pd.DataFrame:
    """The differences in the metric to the baseline that a table prints for these variants, indexed by variant.

    `value`: percentage points, above 0 where the variant is the worse one.
    """
    found = differences(table, variants, metric=metric)
    mine = (found["metric"] == f"{metric}_difference") & found["variant"].isin(variants)
    return found[mine].set_index("variant")


def difference_text(cell: pd.Series) -> str:
    """ "+1.4 points" of a difference to the baseline, "6 times (epochs ratio ...)" of a ratio; as the paper has it."""
    if cell["unit"] == "x":
        return f"{cell['value']:g} times ({cell['metric'].replace('_', ' ')})"
    return f"{cell['value']:+g} points"


def title(name: str) -> str:
    """The name in the papers' spelling: resnet110 is ResNet-110, cifar10 is CIFAR-10."""
    if match := re.fullmatch(r"(resnet|cifar)(\d+)", name):
        family = {"resnet": "ResNet", "cifar": "CIFAR"}[match[1]]
        return f"{family}-{match[2]}"
    return TITLES.get(name, name)
