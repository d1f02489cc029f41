"""A long run: is an epoch as fast at the end as at the start, does memory grow, and what does logging cost?"""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from benchmarks.command_line import check_positive, run
from benchmarks.offline_log import open_log
from experiments import data
from experiments.machine import device_for
from experiments.settings import DIGITS
from experiments.spec import Device, NetSpec, RunSpec, with_changes, with_epochs
from experiments.training import checkpoint
from experiments.training.train import Row, train

PARTS = 10


@dataclass
class Args:
    """Train ResNet-8 on digits for many epochs; print the time per epoch, the memory, and the share that W&B takes."""

    epochs: int = 1000
    """Length of the run."""
    device: Device | None = None
    """Default: cuda where there is one."""
    data_dir: Path | None = None
    """Where data sets are cached."""


def main(args: Args) -> None:
    device = device_for(args.device)
    check_positive(args, "epochs")
    print(report(measure(args.epochs, device, args.data_dir)))


@dataclass(frozen=True)
class Part:
    """A tenth of the run: its last epoch, medians over its epochs, and memory and checkpoint at its end."""

    epoch: int
    epoch_s: float
    log_s: float  # W&B's share of an epoch
    memory_mib: float  # resident size of this process
    checkpoint_kib: float


@dataclass(frozen=True)
class Whole:
    """The parts, the seconds of the whole run, and those that W&B took, opening and closing included."""

    parts: list[Part]
    run_s: float
    wandb_s: float


def spec_of(epochs: int, device: Device) -> RunSpec:
    """ResNet-8 on digits has 45 steps per epoch, so few that the costs of each epoch show."""
    return with_epochs(with_changes(RunSpec(NetSpec("resnet8"), device=device), DIGITS), epochs)


def measure(epochs: int, device: Device, data_dir: Path | None) -> Whole:
    """Train `epochs` epochs with W&B log and checkpoints, as in any run."""
    spec = spec_of(epochs, device)
    torch.set_num_threads(spec.threads)
    images = data.load_for(spec.data, data_dir)
    parts: list[Part] = []
    epoch_s: list[float] = []
    log_s: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.perf_counter()
        tracker = open_log(folder, "endurance")
        wandb_s = time.perf_counter() - started

        def log(row: Row) -> None:
            nonlocal wandb_s
            before = time.perf_counter()
            tracker.log(row)
            log_s.append(time.perf_counter() - before)
            wandb_s += log_s[-1]
            epoch_s.append(row["time/epoch_s"])
            if row["epoch"] % max(1, epochs // PARTS) == 0:
                size = written(folder / checkpoint.NAME).stat().st_size / 2**10
                times = statistics.median(epoch_s), statistics.median(log_s)
                parts.append(Part(int(row["epoch"]), *times, resident_mib(), size))
                epoch_s.clear()
                log_s.clear()

        with tracker:
            outcome = train(spec, images, folder, log)
            closing = time.perf_counter()
            tracker.finish(outcome, {})
        ended = time.perf_counter()
    return Whole(parts, ended - started, wandb_s + ended - closing)


def resident_mib() -> float:
    return psutil.Process().memory_info().rss / 2**20


def written(path: Path, limit_s: float = 60.0) -> Path:
    """`path` once it is there: a thread writes the first checkpoint while the run goes on."""
    begun = time.perf_counter()
    while not path.exists() and time.perf_counter() - begun < limit_s:
        time.sleep(0.01)
    return path


def report(whole: Whole) -> str:
    """One line per part, then the whole run."""
    lines = ["   epoch   s/epoch  W&B ms/epoch  memory MiB  checkpoint KiB"]
    lines += [
        f"{part.epoch:8,d}  {part.epoch_s:8.4f}  {1e3 * part.log_s:12.2f}  {part.memory_mib:10.0f}  "
        f"{part.checkpoint_kib:14.0f}"
        for part in whole.parts
    ]
    share = whole.wandb_s / whole.run_s
    lines.append(
        f"whole run {whole.run_s:.1f} s, of it W&B {whole.wandb_s:.2f} s ({share:.1%}), opening and closing included"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    run(Args, main)
