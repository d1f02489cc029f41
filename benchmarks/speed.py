"""Images per second of the usual loop and of ours, timed in alternating blocks."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from benchmarks.command_line import UsageError
from benchmarks.offline_log import open_log, process_log
from benchmarks.usual_loop import UsualLoop
from experiments.data.load import Dataset
from experiments.machine import cores
from experiments.planning import throughput
from experiments.planning.threads import threads_for
from experiments.planning.throughput import TimedTraining
from experiments.recipes import Recipe
from experiments.spec import DataSpec, Device, NetSpec, RunSpec
from experiments.training.memory import release_memory
from experiments.training.train import build_net

Net = Literal["resnet20", "resnet110", "preact_resnet164", "alexnet_cifar", "densenet40"]
Setting = Literal["fp32", "tf32", "bf16", "compiled", "compiled_bf16"]
# He et al. 2015 and 2016, Krizhevsky's net for CIFAR-10, Huang et al. 2017.
NETS: Mapping[Net, NetSpec] = {
    "resnet20": NetSpec("resnet20"),
    "resnet110": NetSpec("resnet110"),
    "preact_resnet164": NetSpec("resnet164", {"order": "full_preact"}),
    "alexnet_cifar": NetSpec("alexnet_cifar"),
    "densenet40": NetSpec("densenet40"),
}
SETTINGS: Mapping[Setting, Mapping[str, Any]] = {
    "fp32": {"precision": "fp32", "compiled": False},
    "tf32": {"precision": "tf32", "compiled": False},
    "bf16": {"precision": "bf16", "compiled": False},
    "compiled": {"precision": "fp32", "compiled": True},
    "compiled_bf16": {"precision": "bf16", "compiled": True},
}
TRIAL_STEPS = 3
DEFAULT_SETTINGS: Mapping[str, tuple[Setting, ...]] = {
    "mps": ("fp32",),
    "cpu": ("fp32", "bf16", "compiled", "compiled_bf16"),
    "cuda": ("fp32", "tf32", "bf16", "compiled_bf16"),
}


@dataclass(frozen=True)
class Conditions:
    """What all measurements share."""

    device: Device
    batch: int
    block_s: float
    """seconds of the usual loop in one block"""
    repeats: int
    """timed blocks of each"""
    workers: tuple[int, ...]
    """numbers of DataLoader workers that the usual loop may choose from"""
    folder: Path
    data_dir: Path | None


@dataclass(frozen=True)
class Result:
    """Images per second of one net under one setting, block by block, each with the usual loop's block beside it."""

    net: str
    setting: str
    usual_images_per_s: list[float]
    our_images_per_s: list[float]

    @property
    def ratios(self) -> list[float]:
        return [ours / usual for ours, usual in zip(self.our_images_per_s, self.usual_images_per_s, strict=True)]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def usual(self) -> float:
        return statistics.median(self.usual_images_per_s)

    @property
    def ours(self) -> float:
        return statistics.median(self.our_images_per_s)


def check_setting(setting: Setting, device: Device) -> None:
    if setting == "tf32" and device != "cuda":
        raise UsageError("tf32 needs a CUDA device; a CPU has fp32 and bf16")


def timed_spec(net: Net, setting: Setting, device: Device, batch: int, threads: int | None = None) -> RunSpec:
    """The run that is timed, on `threads` CPU threads (None: those that a command gives to a single run)."""
    values = SETTINGS[setting]
    recipe = Recipe(batch_size=batch, precision=values["precision"])
    threads = threads or threads_for(1, batch)
    return RunSpec(NETS[net], DataSpec("cifar10"), recipe, threads=threads, device=device, compiled=values["compiled"])


def one_run(net: Net, settings: Sequence[Setting], conditions: Conditions, data: Dataset) -> list[Result]:
    """The usual loop and ours under every setting take turns, one block each, `repeats` times, with all cores."""
    usual = fastest_usual_loop(net, conditions, data)
    steps = _steps(conditions.block_s / usual.block(TRIAL_STEPS) * TRIAL_STEPS, conditions, data)
    images = steps * conditions.batch
    rates: dict[str, list[float]] = {name: [] for name in ("usual", *settings)}
    with open_log(conditions.folder / net, "speed") as log:
        loops = {
            setting: TimedTraining(timed_spec(net, setting, conditions.device, conditions.batch), data, steps, log.log)
            for setting in settings
        }
        for loop in loops.values():
            loop.block(steps)  # warms up, compiles
        for _ in range(conditions.repeats):
            torch.set_num_threads(cores())
            rates["usual"].append(images / usual.block(steps))
            for setting, loop in loops.items():
                rates[setting].append(images / loop.block(steps))
        log.finish("finished", {})
    return [Result(net, setting, rates["usual"], rates[setting]) for setting in settings]


def _steps(wanted: float, conditions: Conditions, data: Dataset) -> int:
    """At least two, and no more than the data set has batches: a block of ours is an epoch."""
    return max(2, min(round(wanted), len(data.train.labels) // conditions.batch))


def fastest_usual_loop(net: Net, conditions: Conditions, data: Dataset) -> UsualLoop:
    """The usual loop with the number of loader workers that makes it fastest."""
    torch.set_num_threads(cores())
    device, batch = conditions.device, conditions.batch
    spec = timed_spec(net, "fp32", device, batch)
    loops = [UsualLoop(build_net(spec, data), data.train, device, batch, count) for count in conditions.workers]
    for loop in loops:
        loop.block(TRIAL_STEPS)
    return min(loops, key=lambda loop: min(loop.block(TRIAL_STEPS) for _ in range(2)))


def parallel_runs(
    net: Net,
    settings: Sequence[Setting],
    conditions: Conditions,
    data: Dataset,
    count: int,
    alone: Mapping[tuple[str, str], Result],
) -> list[Result]:
    """`count` runs in parallel, one thread each: the sum of their rates, beside the usual loop in `alone`."""
    release_memory()
    results = []
    for setting in settings:
        usual = alone[net, setting]
        steps = _steps(conditions.block_s * usual.usual / conditions.batch / count, conditions, data)
        spec = timed_spec(net, setting, conditions.device, conditions.batch, threads=1)
        open_log = partial(process_log, conditions.folder / net / f"{setting}_parallel")
        sums = throughput.images_per_s(spec, count, steps, conditions.repeats, conditions.data_dir, open_log)
        results.append(Result(net, f"{setting}, {count} in parallel", usual.usual_images_per_s, sums))
    return results
