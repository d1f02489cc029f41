#!/usr/bin/env python3
"""How quickly this bench trains, beside the usual PyTorch loop: images per second and their ratio, in one process."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

if TYPE_CHECKING:
    from rich.table import Table

    from benchmarks.measure import Result

Net = Literal["resnet20", "resnet110", "preact_resnet164", "alexnet_cifar", "densenet40"]
Mode = Literal["fp32", "tf32", "bf16", "compiled", "compiled_bf16"]
GPU_RUNS = 4
ALL_NETS: tuple[Net, ...] = ("resnet20", "resnet110", "preact_resnet164", "alexnet_cifar", "densenet40")


@dataclass
class Args:
    """Time this bench's training against the usual loop, block by block in turn, and print the ratios.

    The usual loop: torchvision transforms in a DataLoader with its best number of workers, eager fp32, SGD. Ours: the
    data set on the device, batched augmentation, the loop of experiments/training/train.py with its W&B log;
    evaluation apart. Same net, same batches of CIFAR-10, all cores each.
    """

    nets: tuple[Net, ...] = ALL_NETS
    """Which nets."""
    modes: tuple[Mode, ...] = ()
    """How ours trains; a mode is a setting of the run's spec. Default: those that suit the device (tf32: GPUs only)."""
    device: Literal["cpu", "cuda"] | None = None
    """Default: cuda where there is one."""
    batch: int = 128
    """Images a step."""
    block_s: Annotated[float, tyro.conf.arg(name="block-s")] = 5.0
    """Seconds of the usual loop's training in one timed block."""
    repeats: int = 5
    """Timed blocks of each; the table gives the median of their ratios, and the smallest and largest."""
    at_once: int | None = None
    """Also time so many runs side by side, one CPU thread each. Default: one a core, four on a GPU; 1: do not."""
    workers: tuple[int, ...] = (0, 1, 2, 4)
    """Numbers of loader workers that the usual loop may choose from."""
    where: bool = False
    """Print instead in which operators the time of a step goes, usual and ours, beside the floor."""
    long: int | None = None
    """Print instead how time an epoch and memory fare in a run of so many epochs, and what W&B takes of it."""
    data_dir: Path | None = None
    """Where data sets are cached."""
    json: Path | None = None
    """Write the numbers, with versions and device, to this file too."""


def main(args: Args) -> int:
    import torch
    from rich.console import Console

    from benchmarks import endurance, measure, where
    from experiments import data
    from experiments.execution import environment

    device = args.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        return refuse("--device cuda: PyTorch finds no CUDA device here; leave --device out to time the CPU")
    for name in ("batch", "block_s", "repeats", "long"):
        if (value := getattr(args, name)) is not None and value <= 0:
            return refuse(f"--{name.replace('_', '-')} must be above 0, not {value}")
    if args.long:
        print(endurance.report(endurance.measure(args.long, device, args.data_dir)))
        return 0
    if device == "cpu" and "tf32" in args.modes:
        return refuse("--modes tf32 is of a GPU; a CPU has fp32 and bf16")
    modes: tuple[str, ...] = args.modes or measure.SUITED[device]
    try:
        cifar = data.load("cifar10", args.data_dir)
    except data.DataError as error:
        return refuse(error)

    console = Console(width=None if sys.stdout.isatty() else 110)
    cores = len(os.sched_getaffinity(0))
    env = environment.describe(device)
    console.print(f"{env['device']}, {cores} cores, PyTorch {env['packages']['torch']}", highlight=False)
    if args.where:
        for net in args.nets:
            console.print(where.report(measure.spec_of(net, modes[0], device, args.batch), cifar), highlight=False)
        return 0
    results: list[Result] = []
    count = args.at_once or (cores if device == "cpu" else GPU_RUNS)
    with tempfile.TemporaryDirectory() as folder:
        plan = measure.Plan(device, args.batch, args.block_s, args.repeats, args.workers, Path(folder), args.data_dir)
        for net in args.nets:
            results += measure.in_turn(net, modes, plan, cifar)
            if count > 1:
                results += measure.at_once(net, modes, plan, cifar, count, results)
            console.print(table([result for result in results if result.net == net]))
    if args.json:
        rows = [{**asdict(result), "ratios": result.ratios} for result in results]
        args.json.write_text(json.dumps({"env": env, "batch": args.batch, "rows": rows}, indent=2) + "\n")
    return 0


def table(results: list[Result]) -> Table:
    from rich import box
    from rich.table import Table

    drawn = Table("net", "ours", box=box.SIMPLE_HEAD)
    for heading in ("usual loop\nimages/s", "ours\nimages/s", "ratio", "range"):
        drawn.add_column(heading, justify="right")
    for result in results:
        low, high = min(result.ratios), max(result.ratios)
        rates = (f"{result.usual:,.0f}", f"{result.ours:,.0f}")
        drawn.add_row(result.net, result.mode, *rates, f"{result.ratio:.2f}", f"{low:.2f} to {high:.2f}")
    return drawn


def refuse(reason: object) -> int:
    print(f"benchmark: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Args, description=Args.__doc__)))
