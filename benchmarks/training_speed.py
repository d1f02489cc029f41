"""Training speed in images per second, beside the usual PyTorch loop in the same process."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import speed
from benchmarks.command_line import check_positive, run
from benchmarks.speed import Net, Result, Setting, check_setting
from experiments import data
from experiments.execution import environment
from experiments.machine import cores, device_for
from experiments.spec import Device

GPU_RUNS = 4


@dataclass
class Args:
    """Time this bench's training and the usual loop in alternating blocks, and print their ratio.

    The usual loop: torchvision transforms in a DataLoader with the number of workers that makes it fastest, eager
    fp32, SGD. Ours: the data set on the device, augmentation by the batch, the loop of experiments/training/train.py
    with its W&B log. Evaluation is left out of both. Both train the same net on CIFAR-10: the usual loop on all cores,
    ours with the threads that run_ablation.py gives to a single run, and one each where several train in parallel.
    """

    nets: tuple[Net, ...] = tuple(speed.NETS)
    """Which nets."""
    settings: tuple[Setting, ...] = ()
    """Precision and compilation of our runs. Default: those that suit the device (tf32 needs a CUDA device)."""
    device: Device | None = None
    """Default: cuda where there is one."""
    batch: int = 128
    """Images per step."""
    block_s: Annotated[float, tyro.conf.arg(name="block-s")] = 5.0
    """Seconds of the usual loop in one timed block."""
    repeats: int = 5
    """Timed blocks of each; the table gives the median of the ratios and their range."""
    parallel: int | None = None
    """Also time this many runs in parallel, one CPU thread each. Default: one per core, four on a GPU; 1: none."""
    workers: tuple[int, ...] = (0, 1, 2, 4)
    """Numbers of loader workers to try for the usual loop."""
    data_dir: Path | None = None
    """Where data sets are cached."""
    json: Path | None = None
    """Also write the numbers, with versions and device, to this file."""


def main(args: Args) -> None:
    device = device_for(args.device)
    check_positive(args, "batch", "block_s", "repeats", "parallel")
    settings = args.settings or speed.DEFAULT_SETTINGS[device]
    for setting in settings:
        check_setting(setting, device)
    cifar = data.load("cifar10", args.data_dir)
    console = Console(width=None if sys.stdout.isatty() else 110)
    env = environment.describe(device)
    console.print(f"{env['device']}, {cores()} cores, PyTorch {env['packages']['torch']}", highlight=False)
    results: list[Result] = []
    count = args.parallel or (cores() if device == "cpu" else GPU_RUNS)
    with tempfile.TemporaryDirectory() as name:
        conditions = speed.Conditions(
            device, args.batch, args.block_s, args.repeats, args.workers, Path(name), args.data_dir
        )
        for net in args.nets:
            of_net = speed.one_run(net, settings, conditions, cifar)
            if count > 1:
                alone = {(result.net, result.setting): result for result in of_net}
                of_net += speed.parallel_runs(net, settings, conditions, cifar, count, alone)
            console.print(table(of_net))
            results += of_net
    if args.json:
        rows = [{**asdict(result), "ratios": result.ratios} for result in results]
        args.json.write_text(json.dumps({"env": env, "batch": args.batch, "rows": rows}, indent=2) + "\n")


def table(results: list[Result]) -> Table:
    drawn = Table("net", "ours", box=box.SIMPLE_HEAD)
    for heading in ("usual loop\nimages/s", "ours\nimages/s", "ratio", "range"):
        drawn.add_column(heading, justify="right")
    for result in results:
        low, high = min(result.ratios), max(result.ratios)
        rates = (f"{result.usual:,.0f}", f"{result.ours:,.0f}")
        drawn.add_row(result.net, result.setting, *rates, f"{result.ratio:.2f}", f"{low:.2f} to {high:.2f}")
    return drawn


if __name__ == "__main__":
    run(Args, main)
