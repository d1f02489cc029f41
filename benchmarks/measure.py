"""Images per second of the usual loop and of ours, measured block by block in turn."""

from __future__ import annotations

import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.usual import UsualLoop
from experiments.data.load import Dataset
from experiments.planning import throughput
from experiments.planning.ours import OurLoop, offline_log
from experiments.recipes import Recipe
from experiments.spec import DataSpec, NetSpec, RunSpec
from experiments.training.memory import give_back
from experiments.training.train import build_net

# He et al. 2015 and 2016, Krizhevsky's net for CIFAR-10, Huang et al. 2017.
NETS: Mapping[str, NetSpec] = {
    "resnet20": NetSpec("resnet20"),
    "resnet110": NetSpec("resnet110"),
    "preact_resnet164": NetSpec("resnet164", {"order": "full_preact"}),
    "alexnet_cifar": NetSpec("alexnet_cifar"),
    "densenet40": NetSpec("densenet40"),
}
MODES: Mapping[str, Mapping[str, Any]] = {
    "fp32": {"precision": "fp32", "compiled": False},
    "tf32": {"precision": "tf32", "compiled": False},
    "bf16": {"precision": "bf16", "compiled": False},
    "compiled": {"precision": "fp32", "compiled": True},
    "compiled_bf16": {"precision": "bf16", "compiled": True},
}
TRIAL_STEPS = 3
SUITED: Mapping[str, tuple[str, ...]] = {
    "cpu": ("fp32", "bf16", "compiled", "compiled_bf16"),
    "cuda": ("fp32", "tf32", "bf16", "compiled_bf16"),
}


@dataclass(frozen=True)
class Plan:
    """What all measurements share."""

    device: str
    batch: int
    block_s: float
    repeats: int
    workers: tuple[int, ...]
    folder: Path
    data_dir: Path | None


@dataclass(frozen=True)
class Result:
    """One net and mode: images per second of each block, beside the usual loop's block of the same turn."""

    net: str
    mode: str
    usual_images_per_s: list[float]
    ours_images_per_s: list[float]

    @property
    def ratios(self) -> list[float]:
        return [ours / usual for ours, usual in zip(self.ours_images_per_s, self.usual_images_per_s, strict=True)]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def usual(self) -> float:
        return statistics.median(self.usual_images_per_s)

    @property
    def ours(self) -> float:
        return statistics.median(self.ours_images_per_s)


def spec_of(net: str, mode: str, device: str, batch: int, threads: int | None = None) -> RunSpec:
    """The run that is timed; threads: None: every core."""
    settings = MODES[mode]
    recipe = Recipe(batch_size=batch, precision=settings["precision"])
    cores = len(os.sched_getaffinity(0))
    return RunSpec(
        NETS[net], DataSpec("cifar10"), recipe, threads=threads or cores, device=device, compiled=settings["compiled"]
    )


def in_turn(net: str, modes: Sequence[str], plan: Plan, data: Dataset) -> list[Result]:
    """The usual loop and every mode of ours, a block each in turn, `repeats` times, with all cores."""
    usual = usual_loop(net, plan, data)
    steps = _steps(plan.block_s / usual.block(TRIAL_STEPS) * TRIAL_STEPS, plan, data)
    images = steps * plan.batch
    rates: dict[str, list[float]] = {name: [] for name in ("usual", *modes)}
    with offline_log(plan.folder / net) as log:
        loops = {mode: OurLoop(spec_of(net, mode, plan.device, plan.batch), data, steps, log) for mode in modes}
        for loop in loops.values():
            loop.block(steps)  # warms up, compiles
        for _ in range(plan.repeats):
            torch.set_num_threads(len(os.sched_getaffinity(0)))
            rates["usual"].append(images / usual.block(steps))
            for mode, loop in loops.items():
                rates[mode].append(images / loop.block(steps))
    return [Result(net, mode, rates["usual"], rates[mode]) for mode in modes]


def _steps(wanted: float, plan: Plan, data: Dataset) -> int:
    """At least two, and no more than the data set has batches: a block of ours is an epoch."""
    return max(2, min(round(wanted), len(data.train.labels) // plan.batch))


def usual_loop(net: str, plan: Plan, data: Dataset) -> UsualLoop:
    """The usual loop with the number of loader workers that makes it quickest."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    spec = spec_of(net, "fp32", plan.device, plan.batch)
    loops = [UsualLoop(build_net(spec, data), data.train, plan.device, plan.batch, count) for count in plan.workers]
    for loop in loops:
        loop.block(TRIAL_STEPS)
    return min(loops, key=lambda loop: min(loop.block(TRIAL_STEPS) for _ in range(2)))


def at_once(
    net: str, modes: Sequence[str], plan: Plan, data: Dataset, count: int, measured: Sequence[Result]
) -> list[Result]:
    """`count` runs side by side with one thread each, their images per second summed, beside the usual loop above."""
    give_back()
    results = []
    for mode in modes:
        alone = next(result for result in measured if (result.net, result.mode) == (net, mode))
        steps = _steps(plan.block_s * alone.usual / plan.batch / count, plan, data)
        spec = spec_of(net, mode, plan.device, plan.batch, threads=1)
        folder = plan.folder / net / f"{mode}_at_once"
        sums = throughput.images_per_s(spec, count, steps, plan.repeats, plan.data_dir, folder)
        results.append(Result(net, f"{mode}, {count} at once", alone.usual_images_per_s, sums))
    return results
