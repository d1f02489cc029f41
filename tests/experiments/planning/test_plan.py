"""A plan is refused, before anything trains, for a name that no table has and for a net that cannot be built."""

from pathlib import Path

import pytest
import torch
from torch import nn

import nets
from experiments import ablations
from experiments.ablation import Ablation, Overrides, Profile, Variant
from experiments.planning.plan import costs, default_profile, plan
from experiments.spec import DataSpec, NetSpec, RunSpec, SpecError, with_changes
from experiments.training.optimisers import OPTIMISERS, Optimiser
from experiments.training.schedule import SCHEDULES, Schedule


def ablation(base: RunSpec, **changes) -> Ablation:
    variants = (Variant("plain", "plain", {}), Variant("other", "other", {"recipe.flip": False, **changes}))
    return Ablation(
        "mine", "?", ("recipe", *changes), "plain", base, variants, {"short": Profile(seeds=2, epochs=1)}
    )  # fmt: skip


def jobs(base: RunSpec, **changes):
    return plan(ablation(base, **changes), "short", Overrides(), out=Path("runs"))


BASE = RunSpec(net=NetSpec("resnet8"), data=DataSpec("digits"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe.optimiser": "adamm"}, "mine/other: recipe.optimiser cannot be 'adamm'; did you mean adam"),
        ({"recipe.schedule": "cosin"}, "mine/other: recipe.schedule cannot be 'cosin'; did you mean cosine?"),
        ({"recipe.decay": "none"}, "mine/other: recipe.decay cannot be 'none'; choose from conv, weights"),
        ({"recipe.init": "kaiming"}, "mine/other: recipe.init cannot be 'kaiming'; choose from he_fan_out"),
    ],
)
def test_a_name_that_no_table_has(changes, message):
    with pytest.raises(SpecError) as caught:
        jobs(BASE, **changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("base", "message"),
    [
        (
            with_changes(BASE, {"net.unit": "bottleneck"}),
            "mine/plain: resnet8: depth 8 is not 9n+2, as bottleneck units need",
        ),
        (
            with_changes(BASE, {"net": NetSpec("inception_v3")}),
            "mine/plain: inception_v3: this net needs images of 75x75",
        ),
        (with_changes(BASE, {"net": NetSpec("alexnet")}), "mine/plain: alexnet cannot take images of 1x8x8 (digits)"),
    ],
)
def test_a_net_that_cannot_be_built(base, message):
    with pytest.raises(SpecError) as caught:
        jobs(base)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


class DependsOnValues(nn.Module):
    """Neither its constructor nor its forward pass works without storage."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.fc = nn.Linear(64, num_classes if torch.ones(3).sum().item() == 3 else 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x.flatten(1)) * (2 if x.sum().item() > 1 else 1)


class Fails(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.shape.nothing


def test_a_net_of_ones_own_is_counted_though_it_depends_on_values():
    nets.register("depends_on_values", DependsOnValues)
    assert costs(with_changes(BASE, {"net": NetSpec("depends_on_values")})) == {
        "parameters": 650,
        "multiply_adds": 640,
    }


def test_a_net_whose_forward_pass_fails_is_refused_in_one_line():
    nets.register("fails", Fails)
    with pytest.raises(SpecError, match=r"fails cannot take images of 1x8x8 \(digits\): AttributeError: .* 'nothing'"):
        costs(with_changes(BASE, {"net": NetSpec("fails")}))


def test_a_row_that_is_added_is_a_name_at_once(monkeypatch):
    monkeypatch.setitem(SCHEDULES, "half", Schedule(lambda step, recipe: 0.5))
    monkeypatch.setitem(OPTIMISERS, "plain_sgd", Optimiser(lambda groups, recipe: torch.optim.SGD(groups, lr=0.1)))
    planned = jobs(BASE, **{"recipe.schedule": "half", "recipe.optimiser": "plain_sgd"})
    assert {job.variant: job.spec.recipe.schedule for job in planned} == {"plain": "milestones", "other": "half"}


def test_seeds_come_one_after_the_other():
    """So that an interrupted study has complete seeds."""
    assert [job.name for job in jobs(BASE)] == ["plain-s0", "other-s0", "plain-s1", "other-s1"]


def test_a_first_command_never_begins_the_papers_protocol():
    """25 runs of ResNet-110 are days of training."""
    for name in ablations.names():
        assert default_profile(ablations.load(name), "cpu") == "smoke"
        assert default_profile(ablations.load(name), "cuda") == "quick"


def test_a_file_without_smoke_and_quick_runs_its_first_profile():
    assert default_profile(ablation(BASE), "cpu") == default_profile(ablation(BASE), "cuda") == "short"
