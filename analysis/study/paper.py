"""The published cells that a study is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.published import cells
from analysis.schema import ERROR, Metric
from analysis.study.declaration import Declaration


@dataclass(frozen=True)
class PaperCells:
    """The published cells beside the runs, one per variant.

    net: None where there is nothing to compare with; "" where each variant is a net of its own.
    """

    net: str | None
    dataset: str | None
    by_variant: pd.DataFrame


def paper_cells(declared: Declaration, net: str | None, dataset: str | None, metric: Metric = ERROR) -> PaperCells:
    """The cells for the runs' own net and data set; where the table lacks that net, for the ablation's paper net.

    Where the net is a factor, each variant is matched by its name alone. A table without a cell for any of the
    variants is nothing to compare with, and so is one that does not print the metric.
    """
    nothing = PaperCells(None, None, pd.DataFrame())
    if declared.published is None or metric.published is None:
        return nothing
    nets = [declared.paper_net] if declared.is_factor("net.name") else [net, declared.paper_net]
    if declared.paper_net is not None:
        nets = [net for net in nets if net]
    for tried, wanted in ((net, wanted) for net in nets for wanted in (dataset, None)):
        found = cells.typical(cells.cells(declared.published, tried, wanted, metric=metric.published))
        found = found[found.index.isin(declared.variants)]
        if len(found):
            return PaperCells(tried or "", found["dataset"].iloc[0], found)
    return nothing


def stated_differences(declared: Declaration, metric: Metric = ERROR) -> pd.DataFrame:
    """What the paper prints as differences to the baseline where it prints no errors; see `cells.stated`."""
    if declared.published is None or metric.published is None:
        return pd.DataFrame(columns=["value", "net", "dataset"])
    return cells.stated(declared.published, declared.variants, metric=metric.published)
