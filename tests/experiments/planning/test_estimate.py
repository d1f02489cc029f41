"""Estimates: what a run's length counts, and that every kind of net and recipe can be timed."""

import pytest
import torch

from experiments import ablations
from experiments.planning import estimate, throughput
from experiments.planning.estimate import (
    BLOCK_STEPS,
    BLOCKS,
    profile_seconds,
    run_seconds,
    time_recorded,
    time_steps,
)
from experiments.spec import DataSpec, NetSpec, Recipe, RunSpec
from experiments.training.step import RecordedStep
from tests.experiments.recording import Operators


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


def test_a_gpu_is_timed_by_whole_recorded_steps(tiny, monkeypatch):
    """On a stand-in for CUDA graphs: eager steps of few images would wait for their launches."""
    recorders, batches = [], []

    def make(net, optimiser, ema, spec, given):
        recorders.append(Operators())
        batches.append(spec.recipe.batch_size)
        return RecordedStep(net, optimiser, ema, spec, given, recorder=recorders[-1])

    monkeypatch.setattr(throughput, "make_step", make)
    assert 0 < time_recorded(tiny) < 1
    assert batches == [tiny.recipe.batch_size]
    assert [(one.recordings, one.replays) for one in recorders] == [
        (1, BLOCK_STEPS * (1 + BLOCKS) - RecordedStep.EAGER)
    ]


def test_a_gpu_without_room_for_the_batch_is_timed_with_a_smaller_one(tiny, monkeypatch):
    tried = []

    class Timed:
        def __init__(self, spec, data, steps, log):
            tried.append(spec.recipe.batch_size)
            if spec.recipe.batch_size > 8:
                raise torch.OutOfMemoryError("CUDA out of memory")

        def block(self, steps):
            return 0.4

    monkeypatch.setattr(estimate, "TimedTraining", Timed)
    assert time_recorded(tiny) == pytest.approx(0.4 / (BLOCK_STEPS * 8))
    assert tried == [32, 16, 8]


@pytest.mark.slow
def test_imagenet_is_estimated_without_being_there():
    """`--list --estimate` names no folder; 45 runs of 90 epochs of 1.28 million images."""
    hours = profile_seconds(ablations.load("alexnet_parts"), "paper", "cpu") / 3600
    assert hours > 1000


def test_an_update_counts_once_for_a_batch_of_the_recipe(monkeypatch):
    """AlexNet's 61 million weights take as long to update after two images as after 128."""
    spec = RunSpec(net=NetSpec("resnet8"), data=DataSpec("digits"), recipe=Recipe(batch_size=100))
    clock = iter([0.0, 1.0, 11.0, 20.0, 21.0, 31.0])  # begun, passed, updated; the warm-up, then a step
    monkeypatch.setattr("experiments.planning.estimate.time.perf_counter", lambda: next(clock))
    assert time_steps(spec, steps=1, batch=4) == pytest.approx(1.0 / 4 + 10.0 / 100)
