"""The papers' claims and their noise: order statistics by hand, simulated cells, and the printed tables."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from analysis.results import claims
from analysis.results.claims import Noise

NOISE = Noise(0.16, 5, "somewhere")


def cells(**values: float | None) -> pd.DataFrame:
    """Medians of 5; None fails."""
    frame = pd.DataFrame({"value": values.values(), "failed": [v is None for v in values.values()]}, index=list(values))
    return frame.assign(value=frame["value"].astype(float), statistic="median", n=5.0)


def test_every_pair_is_a_claim_but_for_equal_cells_and_two_failures():
    found = claims.pairs(cells(a=6.6, b=6.6, c=6.2, d=None, e=None), "c")
    assert [(c.better, c.worse, c.against_baseline) for c in found.itertuples()] == [
        ("c", "a", True),
        ("c", "b", True),
        ("c", "d", True),
        ("c", "e", True),
        ("a", "d", False),
        ("a", "e", False),
        ("b", "d", False),
        ("b", "e", False),
    ]
    assert list(found["gap"])[:2] == pytest.approx([0.4, 0.4])
    assert found["gap"][2:].isna().all()


@pytest.mark.parametrize(("n", "variance"), [(1, 1.0), (3, 0.4487), (5, 0.2868), (7, 0.2104)])
def test_the_variance_of_a_median_is_the_printed_one(n, variance):
    assert claims.median_variance(n) == pytest.approx(variance, abs=1e-4)  # David & Nagaraja 2003, appendix


def test_noise_alone_exceeds_the_smallest_gap_in_one_of_twenty_tables():
    rng = np.random.default_rng(0)
    medians = np.median(rng.normal(6.6, 0.16, (2, 20_000, 5)), axis=2)
    seen = rng.normal(6.6, 0.16, (20_000, 5)).std(axis=1, ddof=1)
    limit = claims.smallest_gap(NOISE, cells(a=6.6, b=6.4), "a", "b") / NOISE.std * seen
    assert (abs(medians[0] - medians[1]) > limit).mean() == pytest.approx(0.05, abs=0.006)


def test_a_mean_a_single_run_and_an_unstated_number_of_runs():
    table = cells(a=6.6, b=6.4, c=6.2).assign(statistic=["mean", "unstated", "unstated"], n=[5.0, 1.0, math.nan])
    t = scipy.stats.t.ppf(0.975, 4)
    assert claims.smallest_gap(NOISE, table, "a", "b") == pytest.approx(t * 0.16 * math.sqrt(0.2 + 1))
    assert claims.smallest_gap(NOISE, table, "b", "c") == pytest.approx(t * 0.16 * math.sqrt(2))


def test_the_only_spread_of_a_data_set_stands_for_its_other_nets():
    assert claims.noise_of("resnet110", "cifar10") == claims.noise_of("resnet164", "cifar10")
    assert claims.noise_of("resnet110", "cifar10").std == 0.16
    assert claims.noise_of("mobilenet", "imagenet") is None


@pytest.mark.parametrize(
    ("table", "net", "n", "weak"),
    [
        ("he2016_table1", "resnet110", 84, {("original", "shortcut_gate_b-6"), ("conv1x1", "scaled_0.5_0.5")}),
        (
            "he2016_table2",
            "resnet110",
            10,
            {("original", "relu_only_preact"), ("full_preact", "original"), ("relu_before_add", "bn_after_add")},
        ),
        (
            "he2016_table2",
            "resnet164",
            10,
            {
                ("original", "relu_before_add"),
                ("relu_only_preact", "original"),
                ("relu_only_preact", "relu_before_add"),
            },
        ),
    ],
)
def test_what_the_noise_of_he_et_al_2016_cannot_support(table, net, n, weak):
    # t(0.975, 4) * 0.16 * sqrt(2 * 0.2868) = 0.3365: the gaps below it are 0.30 and 0.13; 0.10, 0.24, 0.33; ...
    part = next(part for part in claims.tables(table) if part[0] == net)
    found = claims.support(part[2], "original", claims.noise_of(net, "cifar10"))
    assert len(found) == n
    assert found["smallest_gap"].unique() == pytest.approx([0.33645], abs=1e-3)
    beaten = found[~found["supported"].astype(bool)]
    assert set(zip(beaten["better"], beaten["worse"], strict=True)) == weak


def test_parts_are_nets_where_they_share_variants_and_data_sets_where_they_do_not():
    assert [(net, data) for net, data, _ in claims.tables("he2016_table2")] == [
        ("resnet110", "cifar10"),
        ("resnet164", "cifar10"),
    ]
    (net, data, depths), *_ = claims.tables("he2015_table6")
    assert (net, data) == ("", "cifar10")
    assert {"residual20", "residual110"} <= set(depths.index)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    root = Path(claims.__file__).parents[2]
    line = [sys.executable, "-m", "analysis.results.verdict", *words]
    return subprocess.run(line, cwd=root, capture_output=True, text=True, check=False)


def test_the_command_needs_no_runs():
    done = command()
    assert done.returncode == 0
    assert "full_preact better than original by 0.24: within noise; about 10 paired seeds would show it" in done.stdout
    assert "full_preact better than original by 0.47: beyond noise" in done.stdout
    assert "84 pairwise claims, 82 beyond the papers' own noise (std 0.16 over 5 runs" in done.stdout


def test_an_unknown_table_is_one_line_and_status_2():
    done = command("he2017")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "he2016_table2" in done.stderr
