"""The full study on paper: every ablation under its paper profile, on 8, 64 and 1,024 GPUs."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import torch

import nets
from benchmarks.command_line import check_positive, run
from experiments import ablations
from experiments.ablation import Ablation
from experiments.overrides import images_of, lacks_images
from experiments.planning.estimate import IMAGENET_TEST, run_seconds
from experiments.planning.job import Job
from experiments.planning.plan import activation_values, costs, layers
from experiments.spec import RunSpec
from nets import cost

CHECKPOINT_S = 60 * Job.checkpoint_minutes
VALUES = 10  # of a row: epoch, two losses, two errors, learning rate, seconds, images per second, W&B's own two
LOG_BYTES, ROW_BYTES = 40_000, 600  # W&B's folder of a run without rows, and a row; measured on runs of mnist_basics
FLOAT = 4
PASSES = 3  # forward, and backward to inputs and to weights


@dataclass
class Args:
    """Print hours, bytes and W&B values per second of all ablations under their paper profiles.

    Two numbers describe a GPU; everything else comes from the declarations. Put in what you have measured.
    """

    gpus: tuple[int, ...] = (8, 64, 1024)
    """Numbers of GPUs."""
    resnet50_images_s: float = 3000.0
    """Training images per second and GPU for ResNet-50; other nets by their multiply-adds or by the values in their
    layers' outputs, whichever are more beside ResNet-50's."""
    kernel_us: float = 4.0
    """Microseconds that a layer takes in each of the three passes of a step, however small it is."""
    per_run: tuple[int, ...] = (1, 8)
    """The most GPUs that one run is spread over."""
    seeds: int = 5
    """Seeds of every variant."""
    image_kb: float = 110.0
    """Kilobytes of an ImageNet image as it is stored."""


@dataclass(frozen=True)
class Cost:
    """One run. seconds: on one GPU. read_bytes, written_bytes: from and to the shared file system."""

    seconds: float
    epochs: int
    read_bytes: float
    written_bytes: float


def cost_of(spec: RunSpec, args: Args) -> Cost:
    """Seconds by `run_seconds`, and kernel_us for each layer and pass of a step.

    Every stored image is read once per epoch, a small data set once. Written are one checkpoint per epoch and one every
    CHECKPOINT_S, each with parameters, the optimiser's one or two values per parameter and the EMA; and the log.
    """
    known, (multiply_adds, values) = costs(spec), resnet50()
    image_s = max(known["multiply_adds"] / multiply_adds, activation_values(spec) / values) / args.resnet50_images_s
    launch_s = spec.recipe.iterations * PASSES * layers(spec) * args.kernel_us * 1e-6
    seconds, epochs = run_seconds(spec, image_s) + launch_s, epochs_of(spec)
    if lacks_images(spec):
        read = epochs * (images_of(spec) + IMAGENET_TEST) * args.image_kb * 1000
    else:
        channels, height, width = spec.data.shape
        read = float((spec.data.images + spec.data.info.test_images) * channels * height * width)
    copies = 1 + (2 if "adam" in spec.recipe.optimiser else 1) + (spec.recipe.ema is not None)
    checkpoints = epochs + int(seconds / CHECKPOINT_S)
    written = checkpoints * copies * FLOAT * known["parameters"] + LOG_BYTES + epochs * ROW_BYTES
    return Cost(seconds, epochs, read, written)


def epochs_of(spec: RunSpec) -> int:
    return -(-spec.recipe.iterations * spec.recipe.batch_size // images_of(spec))


@functools.cache
def resnet50() -> tuple[int, int]:
    """Multiply-adds, and values in all layers' outputs, for one image of 224 pixels."""
    with torch.device("meta"):
        found = cost.trace(nets.build("resnet50"), (3, 224, 224), "meta")
    return sum(layer.multiply_adds for layer in found), sum(math.prod(layer.out_shape) for layer in found)


def study(args: Args) -> dict[str, list[Cost]]:
    """Every run of every ablation, by the ablation's name."""
    return {name: runs_of(ablations.load(name), args) for name in ablations.names()}


def runs_of(ablation: Ablation, args: Args) -> list[Cost]:
    return [cost_of(spec, args) for spec in ablation.specs("paper").values()] * args.seeds


def hours(runs: Iterable[Cost], gpus: int, per_run: int) -> float:
    """max(sum / GPUs, longest run / GPUs that it is spread over): the longest runs are started first."""
    seconds = [run.seconds for run in runs]
    return max(sum(seconds) / gpus, max(seconds) / min(per_run, gpus)) / 3600


def report(found: dict[str, list[Cost]], gpus: Sequence[int], per_run: Sequence[int]) -> str:
    lines = [f"{'ablation':<22}{'runs':>6}{'GPU hours':>12}{'longest run':>13}{'read':>11}{'written':>11}"]
    every = [run for runs in found.values() for run in runs]
    for name, runs in [*found.items(), ("all", every)]:
        read, written = sum(run.read_bytes for run in runs), sum(run.written_bytes for run in runs)
        lines.append(
            f"{name:<22}{len(runs):>6,}{sum(run.seconds for run in runs) / 3600:>12,.0f}"
            f"{max(run.seconds for run in runs) / 3600:>11,.1f} h{size(read):>11}{size(written):>11}"
        )
    heading = f"{'GPUs':>5}{'per run':>9}{'busy':>7}{'hours':>8}{'read per s':>12}{'written per s':>15}"
    lines += ["", f"{heading}{'W&B values per s':>18}"]
    for count, most in product(gpus, per_run):
        wall = 3600 * hours(every, count, most)
        busy = sum(run.seconds for run in every) / wall / count
        read, written = sum(run.read_bytes for run in every) / wall, sum(run.written_bytes for run in every) / wall
        row = f"{count:>5,}{most:>9}{busy:>7.0%}{wall / 3600:>8,.0f}{size(read):>12}{size(written):>15}"
        lines.append(f"{row}{VALUES * sum(run.epochs for run in every) / wall:>18.1f}")
    return "\n".join(lines)


def size(count: float) -> str:
    """Bytes in a decimal unit: 1.5 GB."""
    power = max(0, min(5, int(math.log10(max(count, 1)) // 3)))
    return f"{count / 1000**power:,.1f} {('B', 'kB', 'MB', 'GB', 'TB', 'PB')[power]}"


def main(args: Args) -> None:
    check_positive(args, "resnet50_images_s", "kernel_us", "image_kb", "seeds")
    print(report(study(args), args.gpus, args.per_run))


if __name__ == "__main__":
    run(Args, main)
