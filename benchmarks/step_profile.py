"""In which operators the time of a training step goes, and the shortest time that the step could take."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from benchmarks.command_line import check_positive, run
from benchmarks.floor import floor, measure_rates
from benchmarks.offline_log import open_log
from benchmarks.speed import Net, Setting, check_setting, timed_spec
from benchmarks.usual_loop import UsualLoop
from experiments import data
from experiments.data.load import Dataset
from experiments.machine import device_for
from experiments.planning.throughput import TimedTraining
from experiments.spec import Device, RunSpec
from experiments.training.process import prepare_process
from experiments.training.train import build_net

STEPS = 4
ROWS = 12


@dataclass
class Args:
    """List the operators of a training step by their own time, for the usual loop and for ours, with the floor."""

    net: Net = "resnet20"
    """Which net."""
    setting: Setting = "fp32"
    """Precision and compilation of our run."""
    device: Device | None = None
    """Default: cuda where there is one."""
    batch: int = 128
    """Images per step."""
    data_dir: Path | None = None
    """Where data sets are cached."""


def main(args: Args) -> None:
    device = device_for(args.device)
    check_positive(args, "batch")
    check_setting(args.setting, device)
    cifar = data.load("cifar10", args.data_dir)
    print(report(timed_spec(args.net, args.setting, device, args.batch), cifar))


def report(spec: RunSpec, images: Dataset) -> str:
    """The operators of a step of the usual loop and of ours by their own time, their share, and the floor."""
    torch.set_num_threads(spec.threads)
    prepare_process(spec)  # its TF32 setting is that of the rates too
    dtype = torch.bfloat16 if spec.recipe.precision == "bf16" else torch.float32
    rates = measure_rates(spec.device, dtype)
    least = floor(build_net(spec, images), spec.input_shape, spec.recipe.batch_size, rates, dtype.itemsize)
    usual = UsualLoop(build_net(spec, images), images.train, spec.device, spec.recipe.batch_size, workers=0)
    with tempfile.TemporaryDirectory() as folder, open_log(Path(folder), "profile") as log:
        ours = TimedTraining(spec, images, STEPS, log.log)
        parts = [_operators("the usual loop", usual.block, spec.device), _operators("ours", ours.block, spec.device)]
        log.finish("finished", {})
    bound = (
        f"floor of {spec.net.name}: {1e3 * least.step_s:.3g} ms per step of {spec.recipe.batch_size}: convolutions "
        f"{1e3 * least.arithmetic_s:.3g} ms at {rates.flop_per_s / 1e12:.2f} TFLOP/s, activations "
        f"{1e3 * least.traffic_s:.3g} ms at {rates.byte_per_s / 1e9:.0f} GB/s ({spec.recipe.precision})"
    )
    return "\n\n".join([*parts, bound])


def _operators(title: str, block: Callable[[int], float], device: str) -> str:
    block(STEPS)  # warms up, compiles
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device == "cuda" else [])]
    started = time.perf_counter()
    with profile(activities=activities) as profiler:
        block(STEPS)
    step_s = (time.perf_counter() - started) / STEPS
    own, kernels = own_times(profiler.key_averages())
    total = sum(own.values())
    on_gpu = f", {kernels} kernels and copies on the GPU" if kernels else ""
    lines = [f"{title}: {1e3 * step_s:.3g} ms per step under the profiler{on_gpu}"]
    for name, milliseconds in sorted(own.items(), key=lambda item: -item[1])[:ROWS]:
        lines.append(f"  {milliseconds:8.1f} ms  {milliseconds / total:5.1%}  {name}")
    return "\n".join(lines)


def own_times(rows: Iterable[Any]) -> tuple[dict[str, float], int]:
    """Milliseconds per step by operator, and the number of kernels and copies per step; on a GPU theirs alone.

    A kernel's time stands in its own row and again in that of the operator that launched it, and an annotation's row
    spans the kernels inside it: only the kernels' rows add up to what the GPU did.
    """
    kept = [row for row in rows if not row.is_user_annotation]
    if on_device := [row for row in kept if row.device_type != DeviceType.CPU]:
        times = {row.key: row.self_device_time_total / 1e3 / STEPS for row in on_device}
        return times, round(sum(row.count for row in on_device) / STEPS)
    return {row.key: row.self_cpu_time_total / 1e3 / STEPS for row in kept}, 0


if __name__ == "__main__":
    run(Args, main)
