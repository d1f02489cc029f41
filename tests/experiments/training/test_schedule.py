"""He et al.'s learning rate at the steps where ports go wrong; the other schedules against PyTorch's."""

import pytest
import torch
from torch.optim import lr_scheduler

from experiments.spec import Recipe
from experiments.training.schedule import SCHEDULES, learning_rate


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        (0, 0.01),
        (399, 0.01),
        (400, 0.1),
        (31_999, 0.1),
        (32_000, 0.01),
        (47_999, 0.01),
        (48_000, 0.001),
        (63_999, 0.001),
    ],
)
def test_warm_up_and_milestones_of_the_paper(step, rate):
    assert learning_rate(step, Recipe()) == pytest.approx(rate)


def test_shares_scale_with_the_length():
    short = Recipe(iterations=640)
    assert [learning_rate(step, short) for step in (3, 4, 319, 320, 480)] == pytest.approx(
        [0.01, 0.1, 0.1, 0.01, 0.001]
    )


def test_without_warm_up():
    assert learning_rate(0, Recipe(warmup=0.0)) == 0.1


def pytorchs(make, steps):
    """The learning rates of a PyTorch scheduler."""
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    scheduler = make(optimiser)
    rates = []
    for _ in range(steps):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return rates


def after_warm_up(optimiser, then):
    """A linear warm-up from 0.1 of the rate in 10 steps."""
    warm_up = lr_scheduler.LinearLR(optimiser, start_factor=0.1, total_iters=10)
    return lr_scheduler.SequentialLR(optimiser, [warm_up, then], milestones=[10])


@pytest.mark.filterwarnings("ignore:The epoch parameter in `scheduler.step:UserWarning")  # SequentialLR's own call
@pytest.mark.parametrize(
    ("schedule", "make"),
    [
        ("cosine", lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=90, eta_min=0.4 * 0.01)),
        ("linear", lambda o: lr_scheduler.LinearLR(o, start_factor=1.0, end_factor=0.01, total_iters=90)),
        ("milestones", lambda o: lr_scheduler.MultiStepLR(o, [40, 65], gamma=0.1)),
    ],
)
def test_warm_up_and_schedule_are_pytorchs(schedule, make):
    recipe = Recipe(
        iterations=100, learning_rate=0.4, schedule=schedule, final_factor=0.01, warmup=0.1, warmup_factor=0.1,
        warmup_shape="linear", milestones=(0.5, 0.75),
    )  # fmt: skip
    ours = [learning_rate(step, recipe) for step in range(100)]
    expected = pytorchs(lambda o: after_warm_up(o, make(o)), 100)
    assert ours == pytest.approx(expected, rel=1e-6)


def test_one_cycle_is_pytorchs():
    recipe = Recipe(
        iterations=200, learning_rate=0.4, schedule="one_cycle", warmup=0.3, warmup_factor=1 / 25, final_factor=4e-6
    )
    ours = [learning_rate(step, recipe) for step in range(200)]
    expected = pytorchs(lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.4, total_steps=200), 199)
    assert ours[:199] == pytest.approx(expected, rel=1e-6)
    assert ours[-1] == pytest.approx(0.4 * 4e-6)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 0.3])
def test_every_schedule_starts_from_the_rate_and_is_never_negative(schedule, warmup):
    recipe = Recipe(iterations=50, schedule=schedule, warmup=warmup)
    rates = [learning_rate(step, recipe) for step in range(50)]
    assert max(rates) == pytest.approx(0.1, rel=0.01)
    assert min(rates) >= 0


def test_one_iteration_has_a_rate():
    assert all(learning_rate(0, Recipe(iterations=1, schedule=name)) >= 0 for name in SCHEDULES)
