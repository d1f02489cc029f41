"""Profiles are as long as the pilot chose, and say what it found."""

import pytest

from benchmarks.pilot import choose
from experiments import ablations
from experiments.ablation import Overrides
from experiments.planning.pilot import FIRST_SEED, Choice, choices
from experiments.planning.plan import plan
from experiments.terminal.plan import shown_line


def choice(epochs: float, seeds: int, decided: float, minutes: float) -> Choice:
    return Choice("mine", "smoke", epochs, seeds, 4, decided, 1.0, minutes, 6)


@pytest.mark.parametrize("name", ablations.names())
def test_smoke_has_the_seeds_and_the_length_that_the_pilot_chose(name):
    found, profile = choices()[name, "smoke"], ablations.load(name).profiles["smoke"]
    assert (profile.seeds, profile.epochs) == (found.seeds, found.epochs)
    assert found.comparisons == len(ablations.load(name).variants_of("smoke")) - 1
    assert found.minutes <= (2 if name == "resnet_preact" else 5)
    assert profile.seeds < FIRST_SEED


def test_the_quickest_of_those_that_decide_nearly_as_much():
    slow, quick, hasty = choice(4, 20, 3.0, 5.0), choice(4, 15, 2.9, 3.0), choice(4, 8, 2.0, 1.5)
    assert choose([slow, quick, hasty]) == quick


def test_longer_training_where_it_decides_nearly_as_much():
    short, long, longest = choice(2, 8, 3.0, 1.0), choice(4, 12, 2.8, 3.0), choice(8, 12, 2.0, 5.0)
    assert choose([short, long, longest]) == long


def test_the_plan_says_what_the_profile_can_show(tmp_path):
    ablation = ablations.load("resnet_preact")
    found = choices()["resnet_preact", "smoke"]
    line = shown_line(ablation, plan(ablation, "smoke", Overrides(), out=tmp_path))
    assert f"about {found.decided:.1f} of 4 differences" in line
    assert f"{found.smallest:.1f} percentage points" in line


@pytest.mark.parametrize(
    ("overrides", "seeds"),
    [(Overrides(epochs=1), None), (Overrides(variants=("original", "full_preact")), None), (Overrides(), (0, 1))],
)
def test_a_changed_profile_promises_nothing(overrides, seeds, tmp_path):
    ablation = ablations.load("resnet_preact")
    assert shown_line(ablation, plan(ablation, "smoke", overrides, seeds=seeds, out=tmp_path)) is None
