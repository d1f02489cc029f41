"""The small runs that the checks train: random pixels of a data set's shape, the loop of experiments/training."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from experiments.data.augment import Batches
from experiments.data.load import Dataset, Split
from experiments.spec import DataSpec, Device, NetSpec, Recipe, RunSpec
from experiments.training import checkpoint, precision, step
from experiments.training.optimisers import make_optimiser
from experiments.training.process import prepare_process
from experiments.training.session import Control, Row, StoppedError
from experiments.training.step import Step
from experiments.training.train import build_net, train

# Warm-up as long as the eager steps, two milestones, colour noise and random resized crops: all that a recording holds.
RECIPE = Recipe(
    iterations=30, batch_size=32, learning_rate=0.02, warmup=0.1, pca_noise=0.1, crop_area=(0.3, 1.0), crop_size=32
)
SPEC = RunSpec(NetSpec("resnet8", {"order": "full_preact"}), DataSpec("cifar10", train_images=256), RECIPE, seed=1)


class CheckError(Exception):
    """What a check found, in one line."""


@dataclass(frozen=True)
class Place:
    """Where checks run: on a GPU, or in tests of them on a CPU; their runs' folders; where data sets are cached."""

    device: Device
    folder: Path
    data_dir: Path | None = None

    def spec(self, changes: Mapping[str, Any] | None = None, **fields: Any) -> RunSpec:
        """The small run, with changes of its recipe and of other fields."""
        recipe = replace(SPEC.recipe, **(changes or {}))
        return replace(SPEC, **{"device": self.device, "recipe": recipe, **fields})


def random_data(spec: RunSpec, test_images: int = 40) -> Dataset:
    """Random pixels and labels, on the run's device; the same ones on every machine."""
    stream, classes = torch.Generator().manual_seed(0), spec.data.info.classes
    splits = [
        Split(
            torch.randint(256, (count, *spec.data.shape), generator=stream, dtype=torch.uint8).to(spec.device),
            torch.randint(classes, (count,), generator=stream).to(spec.device),
        )
        for count in (spec.data.images, test_images)
    ]
    return Dataset(spec.data.name, splits[0], splits[1], classes)


def trained(spec: RunSpec, folder: Path, stop_after: int | None = None) -> tuple[list[Row], dict[str, Any]]:
    """Rows and last checkpoint of a run, which is stopped after so many steps and resumed where that is asked."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    data = random_data(spec)
    if stop_after is not None:
        calls = itertools.count(1)
        try:
            train(spec, data, folder, lambda row: None, control=Control(stop=lambda: next(calls) >= stop_after))
        except StoppedError:
            pass
        else:
            raise CheckError(f"the run was to stop after {stop_after} steps and did not")
    train(spec, data, folder, rows.append)
    state = checkpoint.load(folder, spec.run_id)
    assert state is not None
    return rows, state


def stepped(spec: RunSpec, steps: int, recorded: bool = True, dropout: bool = True) -> tuple[nn.Module, Row]:
    """The net and the epoch's row after so many steps; recorded: as the run's device has them, else eager."""
    prepare_process(spec)
    data = random_data(spec)
    net = build_net(spec, data).to(spec.device).to(memory_format=torch.channels_last)
    if not dropout:
        for module in net.modules():
            if isinstance(module, nn.modules.dropout._DropoutNd):
                module.p = 0.0  # the devices' generators differ
    make = step.make_step if recorded else Step
    taken = make(precision.compiled(net, spec), make_optimiser(net, spec), None, spec, Batches(spec, data.train))
    taken.begin_epoch(0)
    taken.net.train()
    for k in range(steps):
        taken(k)
    count = len(taken.steps_of(0))
    row = {key: value * count / steps for key, value in taken.row(0).items()}
    return net, row


def differing(a: Any, b: Any, name: str = "") -> list[str]:
    """The names of what differs between two states, bit for bit; times aside."""
    if isinstance(a, torch.Tensor):
        return [] if torch.equal(a.cpu(), b.cpu()) else [name]
    if isinstance(a, dict):
        if a.keys() != b.keys():
            return [name or "keys"]
        return [found for key in a if "time" not in str(key) for found in differing(a[key], b[key], f"{name}.{key}")]
    if isinstance(a, list | tuple):
        if len(a) != len(b):
            return [name]
        return [found for i, pair in enumerate(zip(a, b, strict=True)) for found in differing(*pair, f"{name}[{i}]")]
    return [] if a == b else [name]


def must_equal(a: Any, b: Any, what: str) -> None:
    if found := differing(a, b):
        raise CheckError(f"{what}: {len(found)} values differ, the first is {found[0].strip('.')}")


def must_be_near(value: float, expected: float, tolerance: float, what: str) -> float:
    """The relative difference, which may be at most `tolerance`; not-a-number never is."""
    difference = abs(value - expected) / max(abs(expected), 1e-12)
    if not difference <= tolerance:
        raise CheckError(f"{what}: {value:.6g} instead of {expected:.6g}, more than {tolerance:.0%} off")
    return difference
