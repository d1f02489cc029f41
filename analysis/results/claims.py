"""What a paper's table claims, pair by pair, and which claims the paper's own noise can support. No runs needed."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import scipy.stats

from analysis.published.cells import TYPICAL, all_cells, of_table, title, typical
from analysis.stats.power import seeds_needed

FAILURE_ERROR = 20.0  # percent; He et al. 2016, Table 1: "fail" is a test error above it
EQUAL = 0.005  # percentage points; cells are printed with two digits


@dataclass(frozen=True)
class Noise:
    """Standard deviation over runs of one cell's test error in percent, over n runs, as a paper prints it."""

    std: float
    n: int
    source: str


def rows_of(claims: pd.DataFrame) -> Iterator[Any]:
    """Claim by claim, its columns as attributes."""
    return iter(claims.itertuples())


def pairs(cells: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """One row per claim "`better` has the lower error than `worse`", the baseline's first.

    cells: indexed by variant, with `value` (percent, NaN where there is none) and `failed`. Columns: better, worse,
    gap (percentage points, worse - better; NaN where the worse one fails), against_baseline. Two cells that print the
    same, or both fail, claim nothing.
    """
    rows = []
    names = sorted(cells.index, key=lambda name: name != baseline)
    values = {name: math.inf if cells.at[name, "failed"] else float(cells.at[name, "value"]) for name in names}
    for first, second in itertools.combinations(names, 2):
        gap = values[second] - values[first]
        if math.isnan(gap) or abs(gap) < EQUAL:
            continue
        better, worse = (first, second) if gap > 0 else (second, first)
        size = math.nan if math.isinf(gap) else abs(gap)
        rows.append({"better": better, "worse": worse, "gap": size, "against_baseline": first == baseline})
    return _claims(rows)


def stated(differences: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """As `pairs`, of what a paper prints as differences to the baseline (`cells.stated`) and not as errors."""
    rows = [
        {
            "better": baseline if value > 0 else variant,
            "worse": variant if value > 0 else baseline,
            "gap": abs(value),
            "against_baseline": True,
        }
        for variant, value in differences["value"].items()
        if abs(value) >= EQUAL and variant != baseline
    ]
    return _claims(rows)


def _claims(rows: list[dict[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["better", "worse", "gap", "against_baseline"])
    return frame.astype({"gap": float, "against_baseline": bool}).rename_axis("claim")


def noise_of(net: str, dataset: str) -> Noise | None:
    """The spread that the papers print for this net and data set, or else for another net on it; None: for none."""
    everything = all_cells()
    printed = everything[
        (everything["statistic"] == "std")
        & (everything["metric"] == "test_error")
        & (everything["dataset"] == dataset)
        & everything["value"].notna()
        & (everything["n"] > 1)
    ]
    if printed.empty:
        return None
    own = printed[printed["net"] == net]
    row = (own if len(own) else printed).iloc[0]
    where = f"{title(row['net'])} on {title(dataset)}, {row['paper']}"
    return Noise(float(row["value"]), int(row["n"]), where)


@functools.cache
def median_variance(n: int) -> float:
    """Variance of the median of n standard normal values: of 5, 0.2868 (of their mean: 0.2).

    The integral of q(u)^2 over the median's Beta((n + 1) / 2, (n + 1) / 2) in u, q the normal quantile (David &
    Nagaraja 2003, Order Statistics, section 2.1). An even n counts as n - 1, which is a little more.
    """
    half = ((n - 1) // 2 * 2 + 2) / 2
    return float(scipy.stats.beta(half, half).expect(lambda u: scipy.stats.norm.ppf(u) ** 2))


def smallest_gap(noise: Noise, cells: pd.DataFrame, first: str, second: str, level: float = 0.95) -> float:
    """t(level, noise.n - 1) noise.std sqrt(v_first + v_second): a smaller gap between two cells is within noise.

    v: variance of the cell's statistic in units of one run's, 1 / n of a mean, `median_variance(n)` of a median; a
    cell that does not say how many runs is one. t, not normal, for the noise itself was seen in n runs only.
    """

    def variance(name: str) -> float:
        n = 1 if pd.isna(cells.at[name, "n"]) else int(cells.at[name, "n"])
        return median_variance(n) if cells.at[name, "statistic"] == "median" else 1 / n

    t = scipy.stats.t.ppf((1 + level) / 2, noise.n - 1)
    return float(t * noise.std * math.sqrt(variance(first) + variance(second)))


def support(cells: pd.DataFrame, baseline: str, noise: Noise) -> pd.DataFrame:
    """`pairs` and whether the paper's own noise can support each: smallest_gap, supported, seeds.

    supported: the gap is at least the smallest that noise does not explain; that of a failure is the distance to the
    failure line. seeds: pairs of runs that would show a gap of that size with a power of 0.8 if the two errors of
    a seed have nothing in common (standard deviation of their difference: sqrt(2) times the noise); fewer if they have.
    """
    claims = pairs(cells, baseline)
    limits, supported, seeds = [], [], []
    for claim in rows_of(claims):
        limit = smallest_gap(noise, cells, claim.better, claim.worse)
        gap = FAILURE_ERROR - cells.at[claim.better, "value"] if math.isnan(claim.gap) else claim.gap
        limits.append(limit)
        supported.append(gap >= limit)
        seeds.append(seeds_needed(math.sqrt(2) * noise.std, claim.gap))
    return claims.assign(
        smallest_gap=limits, supported=pd.array(supported, dtype="boolean"), seeds=pd.array(seeds, dtype="Int64")
    )


def tables(name: str) -> list[tuple[str, str, pd.DataFrame]]:
    """(net, data set, cells by variant) of every part of a published table within which cells may be compared.

    A part is a data set; where a variant is printed for several nets, a data set and a net. A part of several nets has
    the net "". Raises PublishedError for an unknown table.
    """
    everything = of_table(name)
    mine = everything[everything["metric"] == "test_error"]
    parts = []
    for dataset, cells in mine[mine["statistic"].isin(TYPICAL)].groupby("dataset", sort=False):
        crossed = cells.groupby("variant")["net"].nunique().max() > 1
        groups = [cells] if not crossed else [of_net for _, of_net in cells.groupby("net", sort=False)]
        for group in groups:
            net = str(group["net"].iloc[0]) if group["net"].nunique() == 1 else ""
            parts.append((net, str(dataset), typical(group)))
    return [part for part in parts if len(part[2]) > 1]


def noise_lines(net: str, cells: pd.DataFrame, dataset: str, baseline: str, *, named: int = 12) -> list[str]:
    """Which of a table's claims its noise can support: a header, the baseline's claims, the others that it cannot."""
    noise = noise_of(net, dataset)
    where = " on ".join(filter(None, (title(net), title(dataset))))
    if noise is None:
        return [f"{where}: the papers print no spread for this data set, so their noise supports or refutes no claim."]
    claims = support(cells, baseline, noise)
    lines = [
        f"{where}: {len(claims)} pairwise claim{'s' * (len(claims) != 1)}, "
        f"{int(claims['supported'].sum())} beyond the papers' own noise "
        f"(std {noise.std:.2f} over {noise.n} runs, {noise.source}; taken to be that of every cell).",
        *_limit_line(claims, noise),
    ]
    lines += [f"  {_claim(claim)}" for claim in rows_of(claims[claims["against_baseline"]])]
    others = claims[~claims["against_baseline"]]
    within = others[~others["supported"].astype(bool)]
    if len(others):
        lines.append(f"  The other {len(others)} pairs: {len(others) - len(within)} beyond noise, {len(within)} not.")
    lines += [f"  {_claim(claim)}" for claim in rows_of(within.head(named))]
    return lines + ([f"  and {len(within) - named} more within noise"] if len(within) > named else [])


def _limit_line(claims: pd.DataFrame, noise: Noise) -> list[str]:
    limits = claims["smallest_gap"].round(6).unique()
    if len(limits) != 1:
        return []
    exact = limits[0] * scipy.stats.norm.ppf(0.975) / scipy.stats.t.ppf(0.975, noise.n - 1)
    return [f"  Beyond noise, at 95 %: a gap from {limits[0]:.2f} up ({exact:.2f} if the std were known exactly)."]


def _claim(claim: Any) -> str:
    gap = ", which fails" if math.isnan(claim.gap) else f" by {claim.gap:.2f}"
    seeds = "" if claim.seeds is pd.NA else f"; about {claim.seeds} paired seeds would show it"
    where = "beyond" if claim.supported else "within"
    return f"{claim.better} better than {claim.worse}{gap}: {where} noise{seeds}"
