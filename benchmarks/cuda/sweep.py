"""Every variant of every ablation and profile on fake CUDA tensors: its steps, recorded too, evaluation and signals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from unittest.mock import patch

import torch

from benchmarks.cuda.fake import Recorder, fake_cuda, on_device
from benchmarks.cuda.nondeterministic import Watch
from experiments import ablations
from experiments.ablation import Overrides
from experiments.data.load import Dataset, Split
from experiments.overrides import lacks_images
from experiments.spec import DataSpec, RunSpec
from experiments.training import step
from experiments.training.build import build_net
from experiments.training.ema import Ema
from experiments.training.evaluation import evaluate
from experiments.training.optimisers import make_optimiser
from experiments.training.signals import measure
from experiments.training.step import RecordedStep

TEST_IMAGES, STEPS = 20, 2
BATCH = 16  # fake images cost nothing, but the draws of an epoch are real


EAGER = patch.object(RecordedStep, "EAGER", 1)  # no library has kernels to choose here


@dataclass(frozen=True)
class Driven:
    """What a run's operators on the GPU were. recorded: whether its steps can be a CUDA graph."""

    calls: int
    refused: frozenset[str]
    recorded: bool
    signals: int


def specs() -> Iterator[tuple[str, RunSpec]]:
    """`ablation/profile/variant` and its spec, for all that are declared, on a GPU."""
    for name in ablations.names():
        ablation = ablations.load(name)
        for profile in ablation.profiles:
            for variant, spec in ablation.specs(profile, Overrides(device="cuda")).items():
                yield f"{name}/{profile}/{variant}", spec


def distinct() -> Iterator[tuple[RunSpec, list[str]]]:
    """The specs that can differ in their operators, each with the names of all that it stands for."""
    found: dict[str, tuple[RunSpec, list[str]]] = {}
    for name, spec in specs():
        driven = small(spec)
        found.setdefault(repr(driven), (driven, []))[1].append(name)
    yield from found.values()


def small(spec: RunSpec) -> RunSpec:
    """The run on few images, without the numbers that change no operator: seed, length, rates."""
    if lacks_images(spec):
        spec = replace(spec, data=DataSpec("cifar10", image_size=spec.data.image_size))
    recipe = replace(
        spec.recipe, batch_size=BATCH, iterations=1000, learning_rate=0.1, warmup=0.0, milestones=(0.5,), gamma=0.1
    )
    return replace(spec, seed=0, recipe=recipe, data=replace(spec.data, train_images=STEPS * BATCH))


def drive(spec: RunSpec) -> Driven:
    """Two steps on small batches, the second recorded where the recipe allows, an evaluation, and the signals.

    Raises NotRecordableError for a step that reads values or copies from the CPU while it is recorded.
    """
    spec = small(spec)
    shape, classes = spec.data.shape, spec.data.info.classes
    with fake_cuda(), patch.object(step, "CudaGraphs", Recorder), EAGER, Watch() as watch:
        splits = [
            Split(torch.zeros(count, *shape, dtype=torch.uint8, device="cuda"),
                  torch.zeros(count, dtype=torch.int64, device="cuda"))
            for count in (spec.data.images, TEST_IMAGES)
        ]  # fmt: skip
        data = Dataset(spec.data.name, splits[0], splits[1], classes)
        net = on_device(build_net(spec, data))
        ema = None if spec.recipe.ema is None else Ema(net, spec.recipe.ema)
        taken = step.make_step(net, make_optimiser(net, spec), ema, spec, step.Batches(spec, data.train))
        taken.begin_epoch(0)
        net.train()
        for k in range(STEPS):
            taken(k)
        taken.row(0)
        evaluate(net, spec, data.test, taken.batches.pixels, batch=TEST_IMAGES)
        signals = measure(net, spec, taken.batches)
    return Driven(watch.calls, frozenset(watch.refused), isinstance(taken, RecordedStep), len(signals))
