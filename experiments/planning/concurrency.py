"""How many runs train side by side: as many as cores and memory hold; on a GPU, of those, as many as pay when timed."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from experiments.planning import throughput
from experiments.planning.job import Job
from experiments.planning.plan import activation_values
from experiments.spec import RunSpec

# Measured on a CPU, batches of 64 to 128, beside the bytes of all activations in the run's precision: a process with
# PyTorch, W&B and CIFAR-10 (0.2 GB) takes 0.9 GB before it trains; training then 0.8 (ResNet-164) to 1.2 times those
# bytes (ResNet-20, DenseNet-40), of small nets (AlexNet) 0.25 GB more than them.
PROCESS_BYTES = 1.0e9
HELD = 1.2
STEPS, REPEATS = 20, 2
WORTH = 1.1  # twice as many runs must train a tenth more images a second together
LONG_S = 600.0  # timing takes about a minute: not for less than this


@dataclass(frozen=True)
class AtOnce:
    """Runs at once, and how many times the images a second of one alone they train together."""

    count: int
    gain: float


def memory_bytes(spec: RunSpec) -> float:
    """PROCESS_BYTES + the data set + HELD * batch * bytes a value * values of all layers' outputs, of one run."""
    data = (spec.data.images + spec.data.info.test_images) * math.prod(spec.data.shape)
    value = 2 if spec.recipe.precision == "bf16" else 4
    return PROCESS_BYTES + data + HELD * spec.recipe.batch_size * value * activation_values(spec)


def that_fit(specs: Sequence[RunSpec], memory: float, cores: int) -> int:
    """As many of the largest as cores and bytes of memory hold, at least one."""
    largest = max(memory_bytes(spec) for spec in specs)
    return max(1, min(cores // max(spec.threads for spec in specs), int(memory / largest), len(specs)))


def best(most: int, images_per_s: Callable[[int], float]) -> AtOnce:
    """1, 2, 4, ... up to `most`, for as long as together they train WORTH times what half as many do."""
    alone = rate = images_per_s(1)
    count = 1
    while 2 * count <= most and (doubled := images_per_s(2 * count)) >= WORTH * rate:
        count, rate = 2 * count, doubled
    return AtOnce(count, rate / alone)


def choose(jobs: Sequence[Job], alone_s: float, say: Callable[[str], None] = lambda line: None) -> AtOnce:
    """For runs that one after the other take `alone_s`. On a CPU a core each; on a GPU timed, where they take long."""
    specs, data_dir = [job.spec for job in jobs], jobs[0].data_dir
    if specs[0].device == "cpu":
        count = that_fit(specs, free_memory(), cores())
        return AtOnce(count, count)
    most = that_fit(specs, torch.cuda.mem_get_info()[0], cores())
    if most == 1 or alone_s < LONG_S:
        return AtOnce(1, 1.0)
    say("timing how many runs pay side by side on this GPU")
    steps = max(1, min(STEPS, specs[0].data.images // specs[0].recipe.batch_size))

    def images_per_s(count: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            try:
                return max(throughput.images_per_s(specs[0], count, steps, REPEATS, data_dir, Path(folder)))
            except throughput.EndedEarlyError:  # out of the device's memory, most likely
                return 0.0

    return best(most, images_per_s)


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0))


def free_memory(meminfo: Path = Path("/proc/meminfo"), cgroup: Path = Path("/sys/fs/cgroup")) -> float:
    """Bytes that the system, and the container where there is one, would still give; without end where unknown."""
    free = [float("inf")]
    if meminfo.exists():
        fields = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        free.append(1024.0 * int(fields["MemAvailable"].split()[0]))
    limit, used = cgroup / "memory.max", cgroup / "memory.stat"
    if limit.exists() and used.exists() and (text := limit.read_text().strip()) != "max":
        anonymous = dict(line.split() for line in used.read_text().splitlines())["anon"]  # the rest can be dropped
        free.append(float(text) - float(anonymous))
    return min(free)
