#!/usr/bin/env python3
"""Run an ablation and print the paper's table beside the reproduced one."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.training.run import Job


@dataclass
class Args:
    """Run every variant of an ablation under fixed seeds, then print the paper's table beside ours.

    Finished runs are skipped and broken ones resumed, so the same command may be given again at any time.
    """

    name: Annotated[str | None, tyro.conf.Positional] = None
    """The ablation, e.g. resnet_preact; --list shows them all."""
    profile: Literal["smoke", "quick", "paper"] | None = None
    """How much of the paper's protocol is spent. Without a GPU: smoke; with one: paper."""
    seeds: int | None = None
    """Number of seeds a variant, counted from 0. Default: the profile's."""
    variants: tuple[str, ...] = ()
    """Only these variants (and no others)."""
    dataset: str | None = None
    """Another data set for all variants: digits, cifar10, cifar100, fashion_mnist, mnist."""
    data_dir: Path | None = None
    """Where data sets are cached. Default: $ABLATION_DATA or the user's cache folder."""
    depth: int | None = None
    """Another depth of the net for all variants, e.g. 164."""
    epochs: float | None = None
    """Another length for all variants; warm-up and drops keep their shares of it."""
    device: Literal["cpu", "cuda"] | None = None
    """Default: cuda where there is one."""
    jobs: int | None = None
    """Runs at once. Default: one a CPU core, or one on a GPU. Results do not depend on it."""
    threads: int | None = None
    """CPU threads of one run (1); part of what a run is, since it changes the last bits."""
    wandb: Literal["offline", "online", "disabled"] = "offline"
    """Offline needs no account; disabled trains without logs, so without a table."""
    out: Path = Path("runs")
    """Where runs, tables and figures are written."""
    dry_run: bool = False
    """Print the plan and stop."""
    list: bool = False
    """List the ablations and stop."""


def main(args: Args) -> int:
    import torch
    from rich.console import Console

    from experiments import ablations
    from experiments.ablation import Overrides
    from experiments.console import Live, duration, print_plan
    from experiments.plan import plan
    from experiments.spec import SpecError
    from experiments.training import data, estimate
    from experiments.training.launch import default_jobs, launch

    console = Console()
    if not console.is_terminal:
        console = Console(width=110)  # a log file is not as narrow as rich takes it to be
    if args.list:
        for name in ablations.names():
            console.print(f"{name:20} {ablations.load(name).question}", highlight=False)
        return 0
    if args.name is None:
        return refuse(f"name an ablation, e.g. resnet_preact; there are: {', '.join(ablations.names())}")
    for option, value in (
        ("seeds", args.seeds),
        ("jobs", args.jobs),
        ("threads", args.threads),
        ("epochs", args.epochs),
    ):
        if value is not None and value <= 0:
            return refuse(f"--{option} must be above 0, not {value}")
    if args.device == "cuda" and not torch.cuda.is_available():
        return refuse("--device cuda: PyTorch finds no CUDA device here; leave --device out to train on the CPU")

    device = args.device or ("cuda" if torch.cuda.is_available() else "cpu")
    profile = args.profile or ("paper" if device == "cuda" else "smoke")
    overrides = Overrides(args.variants, args.dataset, args.depth, args.epochs, device, args.threads)
    seeds = None if args.seeds is None else range(args.seeds)
    try:
        ablation = ablations.load(args.name)
        jobs = plan(
            ablation, profile, overrides, seeds=seeds, out=args.out, data_dir=args.data_dir, wandb=args.wandb
        )  # fmt: skip
        check_writable(args.out)
        spec = jobs[0].spec
        if not args.dry_run:
            data.load(spec.data.name, args.data_dir)  # fetched once, here, where its progress can be seen
    except (SpecError, data.DataError) as error:
        return refuse(error)

    at_once = args.jobs or default_jobs(device, spec.threads)
    image_s = estimate.seconds_per_image(spec)
    total_s = sum(estimate.run_seconds(job.spec, image_s) for job in jobs) / min(at_once, len(jobs))
    if args.profile is None and device == "cpu":
        paper = plan(ablation, "paper", Overrides(), out=args.out)
        paper_image_s = estimate.seconds_per_image(paper[0].spec, steps=1, batch=8)
        paper_s = sum(estimate.run_seconds(job.spec, paper_image_s) for job in paper) / at_once
        console.print(
            f"No GPU: profile {profile}. The paper's protocol (--profile paper: {len(paper)} runs of "
            f"{paper[0].spec.net.name} on {paper[0].spec.data.name}) would take about {duration(paper_s)} here.",
            highlight=False,
        )  # fmt: skip
    print_plan(console, ablation, jobs, at_once, total_s)
    if args.dry_run:
        for job in jobs:
            console.print(str(job.folder), highlight=False, soft_wrap=True)
        return 0

    errors = []
    with Live(console, jobs) as live:
        for ended in launch(jobs, at_once, live.row):
            live.end(ended)
            errors += [ended] if ended.error else []
    for reason in dict.fromkeys(ended.error for ended in errors):
        names = [ended.job.name for ended in errors if ended.error == reason]
        print(f"run_ablation: {', '.join(names)}: {reason}", file=sys.stderr)
    status = 0 if not errors else 2 if all(ended.known for ended in errors) else 1
    if len(errors) == len(jobs):
        return status
    return conclude(console, jobs, args.out / ablation.name / "results" / profile) or status


def conclude(console: Console, jobs: list[Job], folder: Path) -> int:
    """Read the logs of `jobs`, print the table and its verdict, write tables and figures."""
    from analysis import answer, logs, tables

    if jobs[0].wandb == "disabled":
        console.print("W&B is disabled, so there is no log to make a table from; the checkpoints are kept.")
        return 0
    try:
        runs, history = logs.load(jobs[0].out / jobs[0].ablation, run_ids=[job.spec.run_id for job in jobs])
        written = answer.conclude(console, runs, history, folder)
    except (logs.LogsError, tables.TableError, OSError) as error:
        return refuse(error)
    console.print("Written:", *(f"  {path}" for path in written), sep="\n", highlight=False, soft_wrap=True)
    return 0


def check_writable(folder: Path) -> None:
    """Raise SpecError, one line, where `folder` cannot be made or written."""
    import tempfile

    from experiments.spec import SpecError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SpecError(f"cannot write in {folder} ({error.strerror}); name another folder with --out") from None


def refuse(reason: object) -> int:
    print(f"run_ablation: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Args, description=Args.__doc__)))
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from the last epochs", file=sys.stderr)
        sys.exit(130)
