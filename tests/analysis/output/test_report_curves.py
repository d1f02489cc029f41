"""The curves of a report: medians over the runs that did not diverge, bounded in size, told apart by their looks."""

import json

import numpy as np
import pytest

from analysis.output.report_curves import curve_data
from analysis.study import Study


def test_median_range_and_number_are_of_the_runs_that_did_not_diverge(ablation_runs, ablation_history):
    runs = ablation_runs({"original": {0: 6.0, 1: 8.0, 2: 7.5, 3: None}})
    (variant,) = curve_data(Study.from_frames(runs, ablation_history(runs, epochs=4)))["variants"]
    curve = variant["curves"]["test/error"]
    assert curve["epoch"] == [1, 2, 3, 4]
    assert curve["median"] == [37.5, 27.5, 17.5, 7.5]
    assert curve["low"] == [36.0, 26.0, 16.0, 6.0]
    assert curve["high"] == [38.0, 28.0, 18.0, 8.0]
    assert curve["n"] == [3, 3, 3, 3]
    assert curve["seeds"]["3"] == [100.0, 90.0, None, None]
    assert curve["diverged"] == ["3"]
    assert variant["curves"]["train/error"]["median"] == [35.5, 25.5, 15.5, 5.5]


def test_numbers_that_are_not_finite_are_gaps(ablation_runs, ablation_history):
    runs = ablation_runs({"original": {0: 6.0}, "full_preact": {0: 5.0}})
    history = ablation_history(runs)
    history.loc[history["epoch"] == 2, "test/loss"] = np.inf
    history.loc[history["epoch"] == 3, "test/loss"] = np.nan
    data = curve_data(Study.from_frames(runs, history))
    assert data["variants"][0]["curves"]["test/loss"]["median"] == [0.9, None, None, 0.15]
    json.dumps(data, allow_nan=False)


def test_runs_that_do_not_count_are_not_drawn(ablation_runs, ablation_history):
    runs = ablation_runs({"original": {0: 6.0, 1: 7.0}, "full_preact": {0: 5.0}})
    history = ablation_history(runs)
    runs.loc[runs["seed"] == 1, "outcome"] = "crashed"
    assert list(curve_data(Study.from_frames(runs, history))["variants"][0]["curves"]["test/error"]["seeds"]) == ["0"]


def test_the_size_is_bounded_whatever_the_number_of_runs_and_epochs(ablation_runs, ablation_history):
    runs = ablation_runs({"original": {seed: 6.0 + seed for seed in range(40)}})
    history = ablation_history(runs, epochs=1001)
    curve = curve_data(Study.from_frames(runs, history))["variants"][0]["curves"]["test/error"]
    assert len(curve["epoch"]) == len(curve["median"]) == 200
    assert (curve["epoch"][0], curve["epoch"][-1]) == (1, 1001)
    assert list(curve["seeds"]) == [str(seed) for seed in range(10)]
    assert set(curve["n"]) == {40}
    assert curve["high"][-1] == 45.0  # of seed 39, which is not drawn
    few = curve_data(Study.from_frames(runs, ablation_history(runs, epochs=200)))["variants"][0]["curves"]["test/error"]
    assert few["epoch"] == list(range(1, 201))


@pytest.mark.parametrize("count", [11, 25])
def test_no_two_variants_look_alike(ablation_runs, ablation_history, count):
    names = ["original", *(f"v{i}" for i in range(1, count))]
    runs = ablation_runs({name: {0: 6.0} for name in names}, ablation__variants=names, ablation__labels=names)
    drawn = curve_data(Study.from_frames(runs, ablation_history(runs)))["variants"]
    assert len({(variant["colour"], variant["dash"]) for variant in drawn}) == count
    assert [variant["name"] for variant in drawn if variant["baseline"]] == ["original"]
