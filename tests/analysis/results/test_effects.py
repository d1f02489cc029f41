"""Tables of effects, steps and times, from runs as the logs give them."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from analysis.output.files import write_tables
from analysis.output.render import to_markdown
from analysis.results.findings import Findings
from analysis.stats.paired import paired_difference
from analysis.stats.power import power

FACTORIAL = {
    "relu_0.01": {"net.activation": "relu", "recipe.learning_rate": 0.01},
    "relu_0.1": {"net.activation": "relu", "recipe.learning_rate": 0.1},
    "tanh_0.01": {"net.activation": "tanh", "recipe.learning_rate": 0.01},
    "tanh_0.1": {"net.activation": "tanh", "recipe.learning_rate": 0.1},
}


def declared(ablation_runs, errors, levels, **declaration) -> pd.DataFrame:
    """Runs whose configs declare and have these levels."""
    runs = ablation_runs(errors)
    names = list(levels)
    about = {"variants": names, "labels": names, "baseline": names[0], "levels": list(levels.values())}
    runs = runs.drop(columns="config.net.order")
    about |= {"factors": list(levels[names[0]]), "published": None, **declaration}
    for key, value in about.items():
        runs[f"config.ablation.{key}"] = [value] * len(runs)
    for path in levels[names[0]]:
        runs[f"config.{path}"] = [levels[name][path] for name in runs["variant"]]
    return runs


def curves(runs: pd.DataFrame, crossing: dict[str, int | None]) -> pd.DataFrame:
    """40 epochs of training error, 50 % before a run's crossing and 20 % from it on."""
    return pd.DataFrame(
        [
            {"run_id": run, "epoch": epoch, "train/error": 20.0 if at is not None and epoch >= at else 50.0}
            for run, at in zip(runs["run_id"], map(crossing.get, runs["run_id"]), strict=True)
            for epoch in range(1, 41)
        ]
    )


def test_a_factorials_effects_by_hand(ablation_runs):
    errors = {
        "relu_0.01": {0: 10.0, 1: 11.0, 2: 12.0},
        "relu_0.1": {0: 9.0, 1: 10.0, 2: 11.5},
        "tanh_0.01": {0: 12.0, 1: 13.5, 2: 14.0},
        "tanh_0.1": {0: 13.0, 1: 14.0, 2: None},
    }
    runs = declared(ablation_runs, errors, FACTORIAL, kind="factorial")
    table = Findings.from_frames(runs).effects.set_index("label")
    row = table.loc["activation tanh against relu"]
    # seed 0: (2 + 4) / 2 = 3; seed 1: (2.5 + 4) / 2 = 3.25; seed 2 lacks a cell
    assert (row["difference"], row["pairs"], row["family"]) == (pytest.approx(3.125), 2, "main")
    assert table.loc["activation tanh × learning_rate 0.1", "difference"] == pytest.approx((2.0 + 1.5) / 2)
    assert table.loc["activation tanh against relu, at learning_rate 0.01", "pairs"] == 3
    shown = to_markdown(Findings.from_frames(runs).effects)
    assert "| activation tanh against relu | main | +3.12 [" in shown
    assert math.isnan(row["paper"])


def test_an_effect_without_a_whole_seed_is_a_row_that_says_so(ablation_runs):
    errors = {key: {0: 10.0, 1: 11.0} for key in FACTORIAL} | {"tanh_0.1": {0: None, 1: None}}
    runs = declared(ablation_runs, errors, FACTORIAL, kind="factorial")
    row = Findings.from_frames(runs).effects.set_index("label").loc["activation tanh × learning_rate 0.1"]
    assert (row["pairs"], row["reading"]) == (0, "no seed without a failed or missing cell")


def test_a_ladder_is_read_step_by_step(ablation_runs):
    levels = {"base": {"net.a": 0}, "smooth": {"net.a": 1}, "norm": {"net.a": 2}}
    errors = {"base": {0: 9.0, 1: 9.2, 2: 9.1}, "smooth": {0: 8.5, 1: 8.8, 2: 8.7}, "norm": {0: 8.5, 1: 8.9, 2: 8.6}}
    steps = [None, "label smoothing", "BN in the head"]
    runs = declared(ablation_runs, errors, levels, kind="ladder", steps=steps)
    table = Findings.from_frames(runs).effects
    assert list(table["label"]) == ["+ label smoothing", "+ BN in the head"]
    assert list(table["difference"]) == pytest.approx([-1.3 / 3, 0.0], abs=1e-9)
    assert list(table["reading"]) == ["better", "no difference shown"]
    assert power(table["detectable"].iloc[1], 0.1, 3, alpha=0.025) == pytest.approx(0.8)  # two steps share 5 %


def test_p_values_are_adjusted_over_the_effects_of_a_kind(ablation_runs):
    levels = {"base": {"net.a": 0}, "smooth": {"net.a": 1}, "norm": {"net.a": 2}}
    errors = {"base": {0: 9.0, 1: 9.2, 2: 9.1}, "smooth": {0: 8.5, 1: 8.8, 2: 8.7}, "norm": {0: 8.1, 1: 8.9, 2: 8.0}}
    table = Findings.from_frames(declared(ablation_runs, errors, levels, kind="ladder")).effects
    first = paired_difference(errors["base"], errors["smooth"]).p
    second = paired_difference(errors["smooth"], errors["norm"]).p
    assert list(table["p_adjusted"]) == pytest.approx([2 * first, min(1, 2 * second)])


def test_one_factor_has_no_effects(ablation_runs):
    assert Findings.from_frames(ablation_runs({"original": {0: 6.5}})).effects.empty


def test_of_each_net_the_fastest_rate_is_compared(ablation_runs):
    errors = {key: {0: 10.0, 1: 11.0, 2: 11.0} for key in FACTORIAL}
    runs = declared(ablation_runs, errors, FACTORIAL, kind="factorial", target_train_error=25.0, baseline="tanh_0.1")
    at = {"relu_0.01": (9, 9, 9), "relu_0.1": (4, 5, 6), "tanh_0.01": (24, 30, 36), "tanh_0.1": (None, None, 30)}
    history = curves(runs, {f"{name}{seed}": epoch for name, epochs in at.items() for seed, epoch in enumerate(epochs)})
    table = Findings.from_frames(runs, history).times.set_index("variant")
    assert list(table.index[table["fastest"]]) == ["relu_0.1", "tanh_0.01"]
    assert list(table.index[table["reference"]]) == ["tanh_0.01"]
    assert list(table["epochs"]) == [9, 5, 30, math.inf]
    assert list(table["reached"]) == [3, 3, 3, 1]
    assert table.loc["relu_0.1", "mean"] == pytest.approx(1 / 6)
    assert table.loc["relu_0.1", "ratio"] == pytest.approx(1 / 6)
    assert table["ratio"].notna().sum() == 1
    shown = to_markdown(Findings.from_frames(runs, history).times)
    assert "| tanh_0.1 | never | never | 1 of 3 |" in shown
    assert Findings.from_frames(declared(ablation_runs, errors, FACTORIAL), history).times.empty


def test_write_adds_what_the_ablation_has(ablation_runs, tmp_path):
    errors = {key: {0: 10.0, 1: 11.0} for key in FACTORIAL}
    runs = declared(ablation_runs, errors, FACTORIAL, kind="factorial", target_train_error=25.0)
    history = curves(runs, dict.fromkeys(runs["run_id"], 3))
    paths = write_tables(Findings.from_frames(runs, history), tmp_path, "table")
    stems = ("table", "table_effects", "table_times")
    assert {path.name for path in paths} == {"table.md"} | {f"{s}.{x}" for s in stems for x in ("csv", "tex", "html")}
    assert "learning_rate" in (tmp_path / "table.md").read_text(encoding="utf-8")
    assert r"activation tanh $\times$ learning\_rate 0.1" in (tmp_path / "table_effects.tex").read_text(
        encoding="utf-8"
    )
