"""When a growing study is looked at, and how the analysis learns of it."""

import pytest

from analysis.rounds import LOOKS, MOST, Rounds, looks_up_to
from analysis.study import Study
from analysis.study.problems import problems
from tests.analysis.example import ERRORS


def test_looks_up_to_a_number_of_seeds():
    assert looks_up_to(10) == (4, 6, 8, 10)
    assert looks_up_to(30) == (4, 6, 8, 11, 15, 20, 30)
    assert looks_up_to(MOST) == LOOKS
    assert looks_up_to(3) == (3,)


def test_a_look_is_reached_once_every_variant_has_its_seeds():
    rounds = Rounds((4, 6, 8))
    assert rounds.reached([range(8), range(6)]) == (4, 6)
    assert rounds.reached([range(8), {0, 1, 3, 4, 5}]) == ()
    assert rounds.reached([range(20)]) == (4, 6, 8)
    assert rounds.reached([]) == ()


@pytest.mark.parametrize("looks", [(), (1, 3), (4, 4), (6, 4)])
def test_what_is_no_plan_of_looks_is_refused(looks):
    with pytest.raises(ValueError, match="must rise"):
        Rounds(looks)


def test_one_run_that_declares_looks_makes_the_study_one_that_grows(ablation_runs):
    runs = ablation_runs(ERRORS)
    assert Study.from_frames(runs).declared.rounds is None
    runs["config.ablation.looks"] = [[4, 6, 8], *[None] * (len(runs) - 1)]
    assert Study.from_frames(runs).declared.rounds == Rounds((4, 6, 8))


def test_of_two_plans_the_older_counts_and_the_study_says_so(ablation_runs):
    runs = ablation_runs(ERRORS)
    runs["config.ablation.looks"] = [[4, 6, 10]] * len(runs)
    runs.at[3, "config.ablation.looks"] = [4, 6, 8]
    runs["started"] = runs["started"].where(runs.index != 3, runs["started"].min() - runs["started"].diff().max())
    runs.at[5, "config.ablation.looks"] = "four"
    study = Study.from_frames(runs)
    assert study.declared.rounds == Rounds((4, 6, 8))
    said = problems(study)
    assert "resnet_preact: seeds were added under 2 plans, of up to 8, 10 seeds; the first plan counts" in said
    assert "resnet_preact: the declared looks cannot be used: four" in said


def test_a_variant_that_needed_fewer_rounds_lacks_no_seed(ablation_runs):
    errors = {name: dict.fromkeys(range(6), 6.5) for name in ERRORS} | {"full_preact": dict.fromkeys((0, 1, 3), 6.0)}
    runs = ablation_runs(errors | {"bn_after_add": dict.fromkeys(range(4), 8.0)})
    runs["config.ablation.looks"] = [[4, 6, 8]] * len(runs)
    assert problems(Study.from_frames(runs)) == ["full_preact: seed 2 is missing"]
