"""A long run: whether an epoch takes as long at the end as at the start, whether memory grows, what logging costs."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from experiments import data
from experiments.execution.tracking import Tracker
from experiments.settings import DIGITS
from experiments.spec import NetSpec, RunSpec, with_changes, with_epochs
from experiments.training import checkpoint
from experiments.training.train import Row, train

PARTS = 10


@dataclass(frozen=True)
class Part:
    """A tenth of the run: its last epoch, the median epoch's seconds, and what stands at its end."""

    epoch: int
    epoch_s: float
    log_s: float  # W&B's part of an epoch, median
    memory_mib: float  # of this process, resident
    checkpoint_kib: float


@dataclass(frozen=True)
class Whole:
    """The parts, the run's seconds, and those that W&B took, its opening and closing included."""

    parts: list[Part]
    run_s: float
    wandb_s: float


def spec_of(epochs: int, device: str) -> RunSpec:
    """ResNet-8 on digits: 45 steps an epoch, so that what is paid once an epoch shows."""
    return with_epochs(with_changes(RunSpec(NetSpec("resnet8"), device=device), DIGITS), epochs)


def measure(epochs: int, device: str, data_dir: Path | None) -> Whole:
    """Train `epochs` epochs with their W&B log and checkpoints, as every run is."""
    spec = spec_of(epochs, device)
    torch.set_num_threads(spec.threads)
    images = data.load_for(spec.data, data_dir)
    parts: list[Part] = []
    epoch_s: list[float] = []
    log_s: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.perf_counter()
        tracker = Tracker(
            folder, "offline", project="benchmark", group="long", job_type="long", name="long", run_id="long", tags=(),
            config={},
        )  # fmt: skip
        wandb_s = time.perf_counter() - started

        def log(row: Row) -> None:
            nonlocal wandb_s
            before = time.perf_counter()
            tracker.log(row)
            log_s.append(time.perf_counter() - before)
            wandb_s += log_s[-1]
            epoch_s.append(row["time/epoch_s"])
            if row["epoch"] % max(1, epochs // PARTS) == 0:
                size = (folder / checkpoint.NAME).stat().st_size / 2**10
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
    """Memory of this process that is in use, from Linux's statm."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def report(whole: Whole) -> str:
    """A line a part, then the whole."""
    lines = ["   epoch   s/epoch  W&B ms/epoch  memory MiB  checkpoint KiB"]
    lines += [
        f"{part.epoch:8,d}  {part.epoch_s:8.4f}  {1e3 * part.log_s:12.2f}  {part.memory_mib:10.0f}  "
        f"{part.checkpoint_kib:14.0f}"
        for part in whole.parts
    ]
    share = whole.wandb_s / whole.run_s
    lines.append(
        f"whole run {whole.run_s:.1f} s, of it W&B {whole.wandb_s:.2f} s ({share:.1%}), opening and closing too"
    )
    return "\n".join(lines)
