"""Columns of log calls against the frames that pandas makes of the same rows."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.logs import columns

VALUES: dict[str, Any] = {
    "whole": lambda rng: rng.randrange(-5, 2**60),
    "float": lambda rng: rng.random(),
    "mixed": lambda rng: rng.choice([1, 0.5, float("nan"), float("inf")]),
    "text": lambda rng: rng.choice("abc"),
    "flag": lambda rng: rng.random() < 0.5,
    "list": lambda rng: [rng.randrange(3), rng.randrange(3)],
}


def rows_of(rng: random.Random, keys: list[str], gaps: float) -> list[dict[str, Any]]:
    """Twenty log calls, some of an epoch that was logged before; a share `gaps` of the values is missing."""
    return [
        {"epoch": rng.randrange(12), **{key: VALUES[key](rng) for key in keys if rng.random() >= gaps}}
        for _ in range(20)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_the_frame_is_pandas_own(seed: int) -> None:
    """Parts of other keys under each other, of each epoch the newest value of each key: by columns and by hand."""
    rng = random.Random(seed)
    gaps = rng.choice([0, 0.3])
    parts = [rows_of(rng, rng.sample(sorted(VALUES), 4), gaps) for _ in range(3)]
    runs = [parts[:2], parts[2:]]
    expected = []
    for run in runs:
        merged: dict[int, dict[str, Any]] = {}
        for row in (row for part in run for row in part):
            merged.setdefault(row["epoch"], {}).update(row)
        expected.append(pd.DataFrame([merged[epoch] for epoch in sorted(merged)]))
    whole = pd.concat(expected, ignore_index=True)
    ours = columns.frame([columns.newest([columns.columns(part) for part in run]) for run in runs])
    assert ours.columns[0] == "epoch"
    pd.testing.assert_frame_equal(ours, whole[list(ours)], check_dtype=False)  # pandas' objects may be our bools
    numbers = [key for key in ("whole", "float", "mixed") if key in ours]
    assert ours[numbers].dtypes.tolist() == whole[numbers].dtypes.tolist()


def test_one_part_without_gaps_keeps_its_types() -> None:
    rows = [{"epoch": 1.0, "n": 2**53 + 1, "x": 1, "huge": 2**70}, {"epoch": 2, "n": 2**53 + 3, "x": 0.5, "huge": 1}]
    made = columns.columns(rows)
    assert made["n"].tolist() == [2**53 + 1, 2**53 + 3]
    assert made["huge"].tolist() == [2**70, 1]
    assert {key: str(values.dtype) for key, values in made.items()} == {
        "epoch": "int64",
        "huge": "object",
        "n": "int64",
        "x": "float64",
    }


@pytest.mark.parametrize("epoch", [None, "3", 1.5, float("nan"), float("inf"), 1e300, [1]])
def test_a_call_without_a_whole_epoch_is_kept_behind_the_others(epoch: Any) -> None:
    rows = [{"epoch": epoch, "y": 2.0}, {"epoch": 1, "x": 1.0}, {"z": 3.0}, {"_step": 4}]
    frame = columns.frame([columns.newest([columns.columns(rows)])])
    assert frame["epoch"].tolist() == [1, pd.NA, pd.NA]
    assert frame[["x", "y", "z"]].fillna(0).to_numpy().tolist() == [[1, 0, 0], [0, 2, 0], [0, 0, 3]]


def test_two_calls_for_one_epoch_are_one_row_and_a_logged_nan_is_a_value() -> None:
    rows = [{"epoch": 1, "x": 1.0, "y": 5.0}, {"epoch": 1, "z": 2.0, "y": float("nan")}, {"epoch": 2, "x": 3.0}]
    frame = columns.frame([columns.newest([columns.columns(rows)])])
    assert frame["epoch"].tolist() == [1, 2]
    assert frame[["x", "z"]].fillna(-1).to_numpy().tolist() == [[1, 2], [3, -1]]
    assert frame["y"].isna().all()
    assert frame["y"].dtype == float


@pytest.mark.parametrize("wrong", ["0.5", True, [1.0], 10**400, None])
def test_a_metric_that_is_no_number_is_a_gap_and_named(wrong: Any) -> None:
    damage: list[str] = []
    made = columns.columns([{"epoch": 1, "test/error": wrong}, {"epoch": 2, "test/error": 5.0}], damage=damage)
    assert made["test/error"].dtype == float
    assert np.isnan(made["test/error"]).tolist() == [True, False]
    assert len(damage) == (wrong is not None)


def test_metrics_never_take_the_place_of_a_runs_own_columns() -> None:
    rows = [{"epoch": 1, "seed": 99, "variant": "x", "run_id": 7}]
    frame = columns.frame([columns.columns(rows)], {"run_id": ["r"], "variant": ["a"], "seed": [0]})
    assert frame.iloc[0].to_dict() == {
        "run_id": "r", "variant": "a", "seed": 0, "epoch": 1,
        "metric.run_id": 7, "metric.seed": 99, "metric.variant": "x",
    }  # fmt: skip


def test_nothing_at_all() -> None:
    frame = columns.frame([columns.newest([columns.columns([])])])
    assert list(frame) == ["epoch"]
    assert frame["epoch"].dtype == np.int64
    assert frame.empty
