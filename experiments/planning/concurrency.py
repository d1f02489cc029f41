"""How many runs train in parallel: as many as cores and memory allow; on a GPU, the fastest number in a short test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from experiments import machine, torchrun
from experiments.data.load import held_bytes
from experiments.loading import AS_FITS, Loading
from experiments.planning import throughput
from experiments.planning.job import Job
from experiments.planning.plan import activation_values
from experiments.spec import RunSpec, SpecError

# Measured on a CPU with batches of 64 to 128: a process with PyTorch, W&B and CIFAR-10 (0.2 GB) takes 0.9 GB before it
# trains. Training adds 0.8 (ResNet-164) to 1.2 times (ResNet-20, DenseNet-40) the bytes of all activations in the
# run's precision; small nets (AlexNet) add 0.25 GB more than those bytes.
PROCESS_BYTES = 1.0e9
READER_BYTES = 0.1e9  # a process that reads images shares most of its memory with its run
ACTIVATION_FACTOR = 1.2
GPU_MARGIN = 0.1  # of a GPU's free memory, for the workspaces of convolutions
MOST_ON_GPU = 32  # PyTorch has as many CUDA streams, and two runs on one would share cuBLAS's workspaces
STEPS, REPEATS = 20, 2
MIN_GAIN = 1.1  # twice as many runs must train at least this many times the images per second
MIN_TRAINING_S = 600.0  # the test takes about a minute: not worth it for shorter plans


@dataclass(frozen=True)
class Parallel:
    """Runs in parallel, and how many times as many images per second they train together as one run alone."""

    runs: int
    speedup: float


def memory_bytes(spec: RunSpec, loading: Loading = AS_FITS) -> float:
    """Of a run in a process of its own: PROCESS_BYTES + READER_BYTES * workers + images held + what training takes."""
    return PROCESS_BYTES + READER_BYTES * loading.workers + held_bytes(spec, loading) + training_bytes(spec)


def training_bytes(spec: RunSpec) -> float:
    """ACTIVATION_FACTOR * batch * bytes per value * values of all layers' outputs."""
    value = 2 if spec.recipe.precision == "bf16" else 4
    return ACTIVATION_FACTOR * spec.recipe.batch_size * value * activation_values(spec)


def most(specs: Sequence[RunSpec], memory: float, cores: int, loading: Loading = AS_FITS) -> int:
    """The most runs that cores and bytes of memory allow, each as large as the largest of `specs`; at least one."""
    largest = max(memory_bytes(spec, loading) for spec in specs)
    return max(1, min(cores // max(spec.threads for spec in specs), int(min(memory / largest, len(specs)))))


def most_on_gpu(specs: Sequence[RunSpec], memory: float, loading: Loading = AS_FITS) -> int:
    """The most runs that bytes of a GPU's memory allow; they share one process and one copy of the images."""
    room = memory - max(held_bytes(spec, loading) for spec in specs)
    return max(1, min(MOST_ON_GPU, len(specs), int(room / max(training_bytes(spec) for spec in specs))))


def fastest(limit: int, images_per_s: Callable[[int], float]) -> Parallel:
    """The last of 1, 2, 4, ... up to `limit` that trains MIN_GAIN times the images per second of half as many."""
    alone = rate = images_per_s(1)
    runs = 1
    while 2 * runs <= limit and (doubled := images_per_s(2 * runs)) >= MIN_GAIN * rate:
        runs, rate = 2 * runs, doubled
    return Parallel(runs, rate / alone)


def plan_parallel(
    jobs: Sequence[Job],
    sequential_s: float,
    wanted: int | Literal["auto"] = "auto",
    say: Callable[[str], None] = lambda line: None,
) -> Parallel:
    """For runs that take `sequential_s` seconds one after the other; wanted: so many in parallel.

    auto: on a CPU every core gets a run; on an NVIDIA GPU the best number is measured if the plan is long, else it is
    one. Processes that `torchrun` has started train one run after the other, together. Raises SpecError if they are
    asked for more.
    """
    if (processes := torchrun.count()) > 1:
        if wanted not in ("auto", 1):
            raise SpecError(f"--jobs {wanted}: the processes of torchrun train one run at a time; leave it out")
        return Parallel(1, processes)
    if wanted != "auto":
        return Parallel(wanted, wanted)
    specs, data_dir, loading = [job.spec for job in jobs], jobs[0].data_dir, jobs[0].loading
    if specs[0].device == "cpu":
        runs = most(specs, machine.free_memory(), machine.cores(), loading)
        return Parallel(runs, runs)
    if specs[0].device != "cuda" or sequential_s < MIN_TRAINING_S:
        return Parallel(1, 1.0)
    limit = most_on_gpu(specs, (1 - GPU_MARGIN) * torch.cuda.mem_get_info()[0], loading)
    if limit == 1:
        return Parallel(1, 1.0)
    say("measuring how many runs in parallel are fastest on this GPU")
    steps = max(1, min(STEPS, specs[0].data.images // specs[0].recipe.batch_size))

    def images_per_s(runs: int) -> float:
        try:
            return max(throughput.images_per_s(specs[0], runs, steps, REPEATS, data_dir))
        except throughput.EndedEarlyError:  # most likely out of the device's memory
            return 0.0

    return fastest(limit, images_per_s)
