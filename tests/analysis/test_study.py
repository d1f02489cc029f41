"""Planted faults in the runs of a table: refused, or listed."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from analysis.results.findings import Findings
from analysis.study import Study, TableError
from analysis.study.check import check
from analysis.study.problems import problems
from tests.analysis.example import ERRORS


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("config.recipe.learning_rate", 0.05, "recipe.learning_rate, which is not the factor: 0.05 in full_preact-s1;"),
        ("config.recipe.iterations", 64_001, "recipe.iterations"),
        ("config.recipe.warmup", 0.00625000001, "recipe.warmup"),
        ("config.recipe.milestones", [0.5, 0.8], "recipe.milestones"),
        ("config.recipe.nesterov", None, "recipe.nesterov"),
        ("config.data.train_images", 45_000, "data.train_images"),
        ("config.net.name", "resnet56", "net.name"),
        ("config.threads", 2, "threads"),
        ("config.device", "cuda", "device"),
        ("config.net.order", "original", "the runs of full_preact differ in their factor net.order"),
        ("profile", "quick", "runs of 2 profiles"),
        ("ablation", "resnet_shortcut", "runs of 2 ablations"),
    ],
)
def test_a_planted_second_difference_is_refused(ablation_runs, column, value, said):
    runs = ablation_runs(ERRORS)
    runs[column] = runs[column].astype(object)
    runs.at[runs.index[runs["name"] == "full_preact-s1"][0], column] = value
    with pytest.raises(TableError, match=said) as caught:
        Findings.from_frames(runs)
    assert "\n" not in str(caught.value)


def test_equal_settings_in_another_type_are_no_difference(ablation_runs):
    runs = ablation_runs(ERRORS)
    runs["config.recipe.batch_size"] = runs["config.recipe.batch_size"].astype(object)
    runs.at[3, "config.recipe.batch_size"] = 128.0
    runs.at[4, "config.recipe.milestones"] = (0.5, 0.75)
    assert len(Findings.from_frames(runs).variants) == 5


def test_runs_that_are_not_the_benchs_own_are_refused(ablation_runs):
    runs = ablation_runs(ERRORS)
    foreign = runs[[column for column in runs if not column.startswith("config.")]]
    with pytest.raises(TableError, match="no run's config says which ablation"):
        Findings.from_frames(foreign)


def test_a_complete_ablation_has_no_problems(ablation_runs):
    assert problems(Study.from_frames(ablation_runs(ERRORS))) == []


def test_runs_that_share_variant_and_seed_and_differ_are_refused(ablation_runs):
    """Two recipes in one folder: until then the newest counted, without a word on what the table then mixed."""
    runs = ablation_runs(ERRORS)
    other = ablation_runs(ERRORS, recipe__learning_rate=0.05).assign(started=pd.Timestamp("2026-02-01", tz="UTC"))
    other["run_id"] = "other" + other["run_id"]
    with pytest.raises(TableError) as error:
        Findings.from_frames(pd.concat([runs, other], ignore_index=True))
    assert str(error.value) == (
        "the runs differ in recipe.learning_rate, which is not the factor: 0.05 in original-s0, original-s1, "
        "original-s2 and 12 more; 0.1 in original-s0, original-s1, original-s2 and 12 more; keep those of one value "
        "with --where recipe.learning_rate=VALUE, or give a folder that has no others"
    )


def test_compilation_is_guarded_where_it_is_logged(ablation_runs):
    runs = ablation_runs(ERRORS)
    runs["config.compiled"] = [None] * 5 + [False] * 10  # logs from before there was a choice
    Findings.from_frames(runs)
    runs.loc[7, "config.compiled"] = True
    with pytest.raises(TableError, match=r"differ in compiled, which is not the factor: false in .*; true in "):
        Findings.from_frames(runs)


def test_what_is_missing_doubled_or_damaged_is_listed(ablation_runs):
    runs = ablation_runs(ERRORS | {"full_preact": {0: 6.3, 1: 6.2}})
    runs.at[0, "outcome"] = "crashed"
    runs.at[1, "damage"] = ["run.wandb: bad checksum at byte 512"]
    runs.at[4, "epochs"] = 160
    again = runs.iloc[[5]].assign(run_id="again", started=pd.Timestamp("2026-02-01", tz="UTC"))
    again["summary.test/error"] = 9.1
    runs = pd.concat([runs, again], ignore_index=True)
    assert problems(Study.from_frames(runs)) == [
        "original-s0: crashed, not counted (runs/original/seed0)",
        "original-s1: run.wandb: bad checksum at byte 512",
        "bn_after_add: seed 2 was run 2 times (bn_after_add2, again); the newest is used",
        "bn_after_add-s1: its log holds 160 of 164 epochs",
        "original: seed 0 is missing",
        "full_preact: seed 2 is missing",
    ]
    table = Findings.from_frames(runs).variants
    assert table.loc["original", "n"] == 2
    assert table.loc["bn_after_add", "mean"] == pytest.approx((7.5 + 8.6 + 9.1) / 3)
    assert table.loc["bn_after_add", "run_ids"].split() == ["bn_after_add0", "bn_after_add1", "again"]


def test_a_finished_run_without_an_error_is_listed_not_counted(ablation_runs):
    runs = ablation_runs(ERRORS)
    runs.at[2, "summary.test/error"] = math.nan
    assert "original-s2: its log has no test/error, not counted" in problems(Study.from_frames(runs))
    assert Findings.from_frames(runs).variants.loc["original", "n"] == 2


NETS = ("densenet40", "resnet56")
CHANGED = {"ablation__factors": ["net.name"], "ablation__baseline": "densenet40", "ablation__variants": list(NETS)}


def of_nets(ablation_runs) -> pd.DataFrame:
    """Runs of two nets; growth is an option that only one of them has."""
    runs = ablation_runs({key: {0: 6.0, 1: 6.1} for key in NETS}, ablation__labels=list(NETS), **CHANGED)
    runs["config.net.name"] = runs["variant"]
    runs["config.net.order"] = "original"
    return runs.assign(**{"config.net.growth": [12.0 if net == "densenet40" else math.nan for net in runs["variant"]]})


def test_an_option_that_only_some_of_the_compared_nets_have_is_no_difference(ablation_runs):
    check(Study.from_frames(of_nets(ablation_runs)))


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("config.net.growth", 24.0, "differ in net.growth, which is not the factor"),
        ("config.net.growth", math.nan, "runs of densenet40 differ in net.growth, which is not the factor"),
        ("config.net.order", "full_preact", "differ in net.order, which is not the factor"),
        ("config.net.name", "resnet56", "the runs of densenet40 differ in their factor net.name"),
    ],
)
def test_a_second_difference_between_nets_is_refused(ablation_runs, column, value, said):
    runs = of_nets(ablation_runs)
    runs.loc[0, column] = value
    with pytest.raises(TableError, match=said):
        check(Study.from_frames(runs))


def test_an_option_that_both_nets_have_must_be_equal_between_them(ablation_runs):
    runs = of_nets(ablation_runs)
    runs.loc[runs["variant"] == "resnet56", "config.net.order"] = "full_preact"
    with pytest.raises(TableError, match=r"the runs differ in net.order, which is not the factor"):
        check(Study.from_frames(runs))


@pytest.mark.parametrize("kind", ["parts", "factorial", "ladder"])
def test_every_kind_may_differ_in_its_factors_and_in_nothing_else(ablation_runs, kind):
    levels = [{"net.order": order, "net.dropout": p} for order in ("original", "full_preact") for p in (0.0, 0.5)]
    names = ["original", "with_dropout", "full_preact", "full_with_dropout"]
    errors = {key: {0: 6.0, 1: 6.1} for key in names}
    declared = {"factors": ["net.order", "net.dropout"], "variants": names, "labels": names, "levels": levels}
    runs = ablation_runs(errors, ablation__kind=kind)
    for key, value in declared.items():
        runs[f"config.ablation.{key}"] = [value] * len(runs)
    for path in ("net.order", "net.dropout"):
        runs[f"config.{path}"] = [levels[names.index(name)][path] for name in runs["variant"]]
    check(Study.from_frames(runs))
    assert Study.from_frames(runs).declared.kind == kind
    assert Study.from_frames(runs).declared.levels["full_preact"] == levels[2]
    planted = runs.copy()
    planted.loc[planted["variant"] == "with_dropout", "config.net.dropout"] = 0.2
    with pytest.raises(TableError, match=r"with_dropout is declared with net.dropout = 0.5, not 0.2 in"):
        check(Study.from_frames(planted))
    planted = runs.copy()
    planted.loc[0, "config.recipe.learning_rate"] = 0.2
    with pytest.raises(TableError, match=r"differ in recipe.learning_rate, which is not the factor"):
        check(Study.from_frames(planted))


def test_logs_from_before_the_kinds_are_of_one_factor(ablation_runs):
    declared = Study.from_frames(ablation_runs(ERRORS)).declared
    assert (declared.kind, declared.levels, declared.steps) == ("one_factor", {}, {})
    assert declared.target_train_error is None


def test_the_first_epoch_at_or_below_the_target(ablation_runs):
    runs = ablation_runs({"original": {0: 6.0, 1: 6.0}, "full_preact": {0: 6.0, 1: None}})
    curves = {
        "original0": [50.0, 25.0, 30.0, 20.0],
        "original1": [50.0, 40.0, 30.0, 25.1],
        "full_preact0": [24.0, 23.0, 22.0, 21.0],
        "full_preact1": [60.0, math.nan],
    }
    history = pd.DataFrame(
        [
            {"run_id": run, "epoch": epoch, "train/error": error}
            for run, curve in curves.items()
            for epoch, error in enumerate(curve, start=1)
        ]
    )
    times = Study.from_frames(runs, history).epochs_to_reach(25.0)
    assert times == {"original": {0: 2.0, 1: math.inf}, "full_preact": {0: 1.0, 1: math.inf}}
    runs.loc[runs["run_id"] == "original0", "outcome"] = "unfinished"
    assert Study.from_frames(runs, history).epochs_to_reach(25.0)["original"] == {1: math.inf}
