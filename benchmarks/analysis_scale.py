"""How time and memory of the analysis grow with the number of runs, from W&B logs to table, figures and report."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich import box
from rich.console import Console
from rich.table import Table

import nets
from benchmarks.analysis_replicate import Template
from benchmarks.command_line import UsageError, check_positive, run
from experiments import ablations
from experiments.ablation import Overrides
from experiments.execution import environment
from experiments.execution.run import tracker_of
from experiments.execution.wandb_files import fragments
from experiments.machine import cores
from experiments.planning.job import Job
from experiments.planning.plan import plan
from experiments.training.schedule import learning_rate
from experiments.training.signals import units_of

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("import", "load", "table", "figures", "report", "total")


@dataclass
class Args:
    """Time the analysis of resnet_preact (five variants, profile paper) on the logs of many runs.

    Nothing is trained: W&B's client writes one log per variant, with the config and keys of a real run and invented
    values, and the benchmark copies them under other seeds. As in real runs, only the first seed logs its signals.
    Each number of runs is analysed in a fresh process.
    """

    runs: tuple[int, ...] = (100, 1000, 4000)
    """Numbers of runs, each a multiple of 5."""
    epochs: int = 164
    """Epochs per run."""
    keep: Path | None = None
    """Keep logs and results in this folder. Default: a temporary one, deleted at the end."""
    json: Path | None = None
    """Also write the numbers, with versions and device, to this file."""


def main(args: Args) -> None:
    if wrong := [runs for runs in args.runs if runs < 5 or runs % 5]:
        raise UsageError(f"--runs takes multiples of 5, the number of variants, not {wrong[0]}")
    check_positive(args, "epochs")
    console = Console(width=None if sys.stdout.isatty() else 110)
    env = environment.describe("cpu")
    packages = ", ".join(f"{name} {env['packages'][name]}" for name in ("wandb", "pandas", "numpy"))
    console.print(f"{env['device']}, {cores()} cores, Python {env['python']}, {packages}", highlight=False)
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
            folder = args.keep or Path(temporary)
            first, further = (templates(folder, seed, args.epochs, env) for seed in (0, 1))
            rows = [analyse(folder, first, further, runs) for runs in sorted(args.runs)]
    except OSError as error:
        folder = error.filename or args.keep
        raise UsageError(f"cannot write {folder}: {error.strerror}; name another folder with --keep") from None
    console.print(table(rows))
    if args.json:
        args.json.write_text(json.dumps({"env": env, "epochs": args.epochs, "rows": rows}, indent=2) + "\n")


def templates(folder: Path, seed: int, epochs: int, env: dict[str, Any]) -> list[Path]:
    """The log of one run of each variant, by W&B's own client."""
    written = []
    for job in plan(ablations.load("resnet_preact"), "paper", Overrides(), seeds=(0, seed), out=folder / "templates"):
        if job.spec.seed != seed or job.folder.exists():
            continue
        job.folder.mkdir(parents=True)
        with tracker_of(job, env) as tracker:
            rows = made_up_rows(job, epochs)
            for row in rows:
                tracker.log(row)
            tracker.finish("finished", {**rows[-1], "time/train_s": 30.0 * epochs})
        written += fragments(job)
    return written


def made_up_rows(job: Job, epochs: int) -> list[dict[str, float]]:
    """The keys of a real run; curves of about the right shape, so that figures have something to draw."""
    with torch.device("meta"):
        units = len(units_of(nets.build(job.spec.net.name, **job.spec.net.options)))
    names = [f"signal/{what}/{unit:02}" for what in ("activation", "gradient") for unit in range(units)]
    rows = []
    for epoch in range(epochs):
        left = math.exp(-8 * (epoch + 1) / epochs)
        row = {"epoch": epoch + 1, "optim/lr": learning_rate(job.spec.epoch_end(epoch) - 1, job.spec.recipe)}
        row |= {"train/loss": 2.3 * left + 0.01, "train/error": 90 * left + 0.1}
        row |= {"test/loss": 2.1 * left + 0.3, "test/error": 83 * left + 6.5}
        row |= {"time/epoch_s": 30.1, "time/images_per_s": 1666.7}
        rows.append(row | (dict.fromkeys(names, 0.5 + left / 3) if job.signals else {}))
    return rows


def analyse(folder: Path, first: list[Path], further: list[Path], runs: int) -> dict[str, float]:
    """Write the logs of `runs` runs, the first seed from `first`, and analyse them in a fresh process."""
    logs, results = folder / f"{runs}_runs", folder / f"{runs}_results"
    paths = [Template(path).write(logs, 0) for path in first]
    for template in map(Template, further):
        paths += [template.write(logs, seed) for seed in range(1, runs // len(first))]
    words = [sys.executable, "-m", "benchmarks.analysis_measure", str(logs.resolve()), str(results.resolve())]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return {"log_mb": sum(path.stat().st_size for path in paths) / 1e6, **json.loads(done.stdout)}


def table(rows: list[dict[str, float]]) -> Table:
    """One column per number of runs; growth is the ratio of the values over the ratio of the runs: 1 is linear."""
    drawn = Table("", box=box.SIMPLE_HEAD)
    for row in rows:
        drawn.add_column(f"{row['runs']:,} runs", justify="right")
    for smaller, row in itertools.pairwise(rows):
        drawn.add_column(f"growth\n{smaller['runs']:,} to {row['runs']:,}", justify="right")
    units = {part: (f"{part}, s", 2) for part in PARTS}
    units |= {"log_mb": ("logs, MB", 0), "loaded_mib": ("peak when loaded, MiB", 0), "peak_mib": ("peak, MiB", 0)}
    for key, (label, digits) in units.items():
        growth = [
            f"{row[key] / smaller[key] / (row['runs'] / smaller['runs']):.2f}"
            for smaller, row in itertools.pairwise(rows)
        ]
        drawn.add_row(label, *(f"{row[key]:,.{digits}f}" for row in rows), *growth)
    return drawn


if __name__ == "__main__":
    run(Args, main)
