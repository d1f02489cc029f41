"""Which runs the next round trains: only those that an undecided claim needs, however the last command ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.rounds import MOST, Rounds
from experiments.ablation import Overrides
from experiments.ablations import load
from experiments.planning.plan import declaration, plan
from experiments.planning.results_folder import results_folder
from experiments.planning.rounds import check_logged, check_plan, next_round, rounds_of, with_baseline
from experiments.spec import SpecError

ROUNDS = Rounds((4, 6, 8))
ABLATION = load("resnet_preact")
NAMES = ("original", "bn_after_add", "full_preact")
JOBS = plan(ABLATION, "smoke", Overrides(NAMES), out=Path("runs"), rounds=ROUNDS)


def following(ended, undecided):
    return next_round(JOBS, ROUNDS, ended, undecided, "original")


def trained(found) -> list[tuple[str, int]]:
    return [(job.variant, job.spec.seed) for job in found.jobs]


def test_the_plan_holds_every_run_that_may_be_needed_and_its_looks_are_logged():
    assert len(JOBS) == 3 * 8
    assert {tuple(job.context["ablation"]["looks"]) for job in JOBS} == {(4, 6, 8)}
    assert "looks" not in declaration(ABLATION, "smoke")
    fixed = plan(ABLATION, "smoke", Overrides(NAMES), out=Path("runs"), seeds=range(8))
    assert [job.log_id for job in fixed] == [job.log_id for job in JOBS]  # the same runs, however seeds were chosen


def test_the_first_round_is_every_variant_up_to_the_first_look_seed_by_seed():
    first = following({}, NAMES)
    assert (first.look, first.variants) == (4, NAMES)
    assert trained(first) == [(name, seed) for seed in range(4) for name in NAMES]


def test_a_decided_variant_gets_no_more_seeds_and_the_baseline_goes_on():
    ended = dict.fromkeys(NAMES, frozenset(range(4)))
    found = following(ended, ["full_preact"])
    assert (found.look, found.variants) == (6, ("original", "full_preact"))
    assert trained(found) == [(name, seed) for seed in (4, 5) for name in ("original", "full_preact")]


def test_an_interrupted_round_comes_again_without_what_has_ended():
    ended = {"original": {0, 1, 2, 3, 4}, "bn_after_add": {0, 1, 2, 3}, "full_preact": {0, 1, 2, 3, 5}}
    found = following(ended, NAMES)
    assert found.look == 6
    assert trained(found) == [("bn_after_add", 4), ("full_preact", 4), ("original", 5), ("bn_after_add", 5)]


def test_variants_that_are_behind_come_first():
    ended = {"original": set(range(6)), "bn_after_add": set(range(6)), "full_preact": {0}}
    found = following(ended, NAMES)
    assert (found.look, found.variants) == (4, ("original", "full_preact"))
    assert trained(found) == [("full_preact", 1), ("full_preact", 2), ("full_preact", 3)]


def test_it_ends_when_nothing_is_undecided_and_when_the_seeds_are_used_up():
    assert following(dict.fromkeys(NAMES, frozenset(range(4))), []) is None
    assert following(dict.fromkeys(NAMES, frozenset(range(8))), NAMES) is None


def test_repeating_rounds_uses_every_run_once_and_ends():
    """However undecided the claims stay, the rounds are the looks and together the whole plan."""
    ended: dict[str, set[int]] = {name: set() for name in NAMES}
    looks, taken = [], []
    while found := following(ended, NAMES):
        looks.append(found.look)
        taken += trained(found)
        for name, seed in trained(found):
            ended[name].add(seed)
    assert looks == [4, 6, 8]
    assert sorted(taken) == sorted((job.variant, job.spec.seed) for job in JOBS)


def test_another_plan_than_the_logs_declare_is_refused():
    check_plan(ROUNDS, None, "runs")
    check_plan(ROUNDS, ROUNDS, "runs")
    with pytest.raises(SpecError, match=r"under the plan --max-seeds 10, .*: keep --max-seeds 10"):
        check_plan(ROUNDS, Rounds((4, 6, 8, 10)), "runs")


@pytest.mark.parametrize("most", [3, 0, -1, MOST + 1])
def test_numbers_of_seeds_that_allow_no_plan(most):
    with pytest.raises(SpecError, match=f"--max-seeds must be from 4 to {MOST}, not {most}"):
        rounds_of(most)


def test_the_baseline_takes_part_whichever_variants_are_chosen():
    assert with_baseline(("full_preact",), "original") == ("original", "full_preact")
    assert with_baseline((), "original") == ()


def test_without_logs_there_is_nothing_to_look_at():
    check_logged(JOBS)
    with pytest.raises(SpecError, match="W&B must not be disabled"):
        check_logged([replace(job, wandb="disabled") for job in JOBS])


def test_results_have_a_folder_of_their_own():
    folder = results_folder(
        ABLATION, "smoke", Overrides(), plan(ABLATION, "smoke", Overrides(), out=Path("runs"), rounds=ROUNDS)
    )
    assert folder == Path("runs/resnet_preact/results/smoke-seeds_auto")
