"""How fast training is on a GPU: the usual loop and ours, one run and several, with what the GPU did in a step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks import speed
from benchmarks.cuda.runs import Place
from benchmarks.floor import Rates, floor, measure_rates
from benchmarks.speed import DEFAULT_SETTINGS, Conditions, Net, Setting, timed_spec
from benchmarks.step_profile import STEPS, own_times
from experiments import data
from experiments.data.load import Dataset
from experiments.planning.throughput import TimedTraining
from experiments.spec import RunSpec
from experiments.training.build import build_net
from experiments.training.memory import release_memory

NETS: tuple[Net, ...] = ("resnet20", "resnet110")
PARALLEL = 4


@dataclass(frozen=True)
class Row:
    """One way of training one net; images per second are summed over its runs.

    step_ms: batch / images per second: with several runs, the time in which one of them takes a step. kernels: kernels
    and copies in a step. flop_share: of the rate of a large product in bf16 on this device. byte_share: of the rate of
    a large copy, if activations are moved as rarely as they can be (`benchmarks.floor`).
    """

    net: str
    setting: str
    images_per_s: float
    usual_images_per_s: float
    step_ms: float
    flop_share: float
    byte_share: float
    kernels: int | None = None

    @property
    def ratio(self) -> float:
        return self.images_per_s / self.usual_images_per_s


@dataclass(frozen=True)
class Effort:
    """How long the benchmark measures."""

    nets: Sequence[Net] = NETS
    settings: Sequence[Setting] | None = None  # None: those of the device
    batch: int = 128
    block_s: float = 2.0
    repeats: int = 3
    runs: int = PARALLEL


def measure(place: Place, effort: Effort) -> Iterator[Row]:
    """A row for the usual loop, for ours in each setting, and for several of ours in parallel. Needs CIFAR-10."""
    cifar = data.load("cifar10", place.data_dir)
    peak = measure_rates(place.device, torch.bfloat16)
    settings = effort.settings or DEFAULT_SETTINGS[place.device]
    conditions = Conditions(
        place.device, effort.batch, effort.block_s, effort.repeats, (0, 2, 4), place.folder, place.data_dir
    )
    for net in effort.nets:
        alone = speed.one_run(net, settings, conditions, cifar)
        yield _row(
            net,
            "usual loop",
            alone[0].usual,
            alone[0].usual,
            timed_spec(net, "fp32", place.device, effort.batch),
            cifar,
            peak,
        )
        for setting, result in zip(settings, alone, strict=True):
            spec = timed_spec(net, setting, place.device, effort.batch)
            yield _row(net, setting, result.ours, result.usual, spec, cifar, peak, kernels(spec, cifar))
        known = {(result.net, result.setting): result for result in alone}
        for result in speed.parallel_runs(net, settings[-1:], conditions, cifar, effort.runs, known):
            spec = timed_spec(net, settings[-1], place.device, effort.batch)
            yield _row(net, result.setting, result.ours, result.usual, spec, cifar, peak)


def _row(
    net: str, setting: str, rate: float, usual: float, spec: RunSpec, cifar: Dataset, peak: Rates,
    counted: int | None = None,
) -> Row:  # fmt: skip
    value = 2 if spec.recipe.precision == "bf16" else 4
    batch = spec.recipe.batch_size
    least = floor(build_net(spec, cifar), spec.input_shape, batch, peak, value)
    step_s = batch / rate
    return Row(net, setting, rate, usual, 1e3 * step_s, least.arithmetic_s / step_s, least.traffic_s / step_s, counted)


def kernels(spec: RunSpec, cifar: Dataset) -> int | None:
    """Kernels and copies on the GPU in a step; None where there is no GPU."""
    if spec.device != "cuda":
        return None
    training = TimedTraining(spec, cifar, STEPS, lambda row: None)
    training.block(STEPS)
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        training.block(STEPS)
    count = own_times(profiler.key_averages())[1]
    del training
    release_memory()
    return count
