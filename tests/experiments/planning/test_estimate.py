"""Estimates: what a run's length counts, and that every kind of net and recipe can be timed."""

import pytest

from experiments.planning.estimate import run_seconds, time_steps
from experiments.spec import DataSpec, NetSpec, Recipe, RunSpec


@pytest.mark.parametrize(("crops", "factor"), [("single", 1), ("ten", 10)])
def test_a_run_costs_its_training_images_and_its_tested_crops(crops, factor):
    """Ten epochs of digits: 449 batches of 32, and 360 test images an epoch at a third of the cost."""
    recipe = Recipe(iterations=449, batch_size=32, crop_size=6, test_crops=crops)
    spec = RunSpec(data=DataSpec("digits"), recipe=recipe)
    assert spec.epochs == 10
    assert run_seconds(spec, 2.0) == pytest.approx(2.0 * (449 * 32 + 10 * 360 * factor / 3))


@pytest.mark.parametrize(
    ("net", "recipe"),
    [
        (NetSpec("googlenet_cifar", {"aux": "first", "width": 0.0625}), Recipe(crop_size=8, crop_area=(0.1, 1.0))),
        (NetSpec("mobilenet", {"width": 0.25, "stem_stride": 1}), Recipe(optimiser="rmsprop", crop_size=8)),
    ],
)
def test_nets_with_heads_and_other_optimisers_are_timed_on_what_they_see(net, recipe):
    """Images of 2000 pixels a side would not end: the crops are what is timed."""
    spec = RunSpec(net=net, data=DataSpec("cifar10", image_size=2000), recipe=recipe)
    assert 0 < time_steps(spec, steps=1, batch=2) < 10
