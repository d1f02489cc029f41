#!/usr/bin/env python3
"""Run an ablation, or all of them, and print the paper's table beside the reproduced one."""

from __future__ import annotations

import sys
import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.ablation import Ablation
    from experiments.planning.job import Job


@dataclass
class Args:
    """Run every variant of an ablation under fixed seeds, then print the paper's table beside ours.

    Finished runs are skipped and broken ones resumed, so the same command may be given again at any time.
    """

    name: Annotated[str | None, tyro.conf.Positional] = None
    """The ablation, e.g. resnet_preact (--list shows them all), or a file of your own: path/to/mine.py."""
    profile: Literal["smoke", "quick", "paper"] | None = None
    """How much of the paper's protocol is spent. Without a GPU: smoke; with one: paper."""
    all: bool = False
    """Every ablation in turn, smoke unless a profile is given; one that fails does not stop the others."""
    seeds: int | None = None
    """Number of seeds a variant, counted from 0. Default: the profile's."""
    variants: tuple[str, ...] = ()
    """Only these variants (and no others)."""
    dataset: str | None = None
    """Another data set for all variants: digits, cifar10, cifar100, fashion_mnist, mnist, imagefolder:PATH."""
    data_dir: Path | None = None
    """Where data sets are cached. Default: $ABLATION_DATA or the user's cache folder."""
    depth: int | None = None
    """Another depth of the net for all variants, e.g. 164."""
    epochs: float | None = None
    """Another length for all variants; warm-up and drops keep their shares of it."""
    device: Literal["cpu", "cuda"] | None = None
    """Default: cuda where there is one."""
    jobs: int | Literal["auto"] = "auto"
    """Runs at once. auto: what cores and memory hold; on a GPU, what pays when timed. Results do not depend on it."""
    threads: int | None = None
    """CPU threads of one run (1); part of what a run is, since it changes the last bits."""
    precision: Literal["fp32", "tf32", "bf16"] | None = None
    """bf16 computes convolutions in bfloat16, tf32 (GPUs only) rounds to TF32. Default: the recipe's, mostly fp32."""
    compiled: bool = False
    """Fuse each training pass with torch.compile; worth it for long runs, since it takes about a minute to begin."""
    wandb: Literal["offline", "online", "disabled"] = "offline"
    """Offline needs no account; disabled trains without logs, so without a table."""
    out: Path = Path("runs")
    """Where runs, tables and figures are written."""
    dry_run: bool = False
    """Print the plan and stop."""
    list: bool = False
    """List the ablations with the runs of each profile, and stop."""
    estimate: bool = False
    """With --list: also how long each profile would take on this machine. Timed once, in about a minute, and kept."""
    cells: bool = False
    """List the published cells that an ablation, or all, is compared with and those without a counterpart, and stop."""


def main(args: Args) -> int:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=110)  # a log file is not as narrow as rich takes it to be
    if args.list or args.estimate:
        return list_all(console, args.estimate)
    if reason := misuse(args):
        return refuse(reason)
    if args.cells:
        return list_cells(console, args.name)
    if args.all:
        return run_all(console, args)
    return run_one(console, args)[0]


def misuse(args: Args) -> str | None:
    """What is wrong with these words, whatever the ablation."""
    for option in ("seeds", "jobs", "threads", "epochs"):
        if (value := getattr(args, option)) not in (None, "auto") and value <= 0:
            return f"--{option} must be above 0, not {value}"
    if args.all and (given := [f"--{option}" for option in ("variants", "depth", "dataset") if getattr(args, option)]):
        return f"--all takes no {given[0]}: it would not fit every ablation; name one"
    if args.all and args.name:
        return f"give either --all or {args.name}"
    if not (args.all or args.cells or args.name):
        from experiments import ablations

        return f"name an ablation, e.g. resnet_preact; there are: {', '.join(ablations.names())}"
    return None


def run_one(console: Console, args: Args) -> tuple[int, str]:
    """Exit status of one ablation, from its plan to its table, and in a line what became of it."""
    from experiments.execution import workers

    in_this_process = args.jobs == 1 or (args.seeds == 1 and len(args.variants) == 1)
    if not (args.dry_run or in_this_process):
        workers.begin(args.device)
    import torch

    from experiments import ablations, data
    from experiments.ablation import Overrides
    from experiments.execution.launch import launch
    from experiments.planning.concurrency import AtOnce, choose
    from experiments.planning.forecast import of_jobs, paper_cost
    from experiments.planning.plan import check_writable, plan
    from experiments.spec import SpecError
    from experiments.terminal.progress import Live, print_plan

    if args.device == "cuda" and not torch.cuda.is_available():
        return refused("--device cuda: PyTorch finds no CUDA device here; leave --device out to train on the CPU")
    device = args.device or ("cuda" if torch.cuda.is_available() else "cpu")
    settings = (device, args.threads, args.precision, args.compiled or None)  # None: as declared
    overrides = Overrides(args.variants, args.dataset, args.depth, args.epochs, *settings)
    seeds = None if args.seeds is None else range(args.seeds)
    try:
        ablation = ablations.load(args.name)
        profile = args.profile or default_profile(ablation, device)
        jobs = plan(ablation, profile, overrides, seeds=seeds, out=args.out, data_dir=args.data_dir, wandb=args.wandb)
        check_writable(args.out)
        if not args.dry_run:  # fetched once, here, where its progress can be seen
            data.prepare(jobs[0].spec.data, args.data_dir)
    except (SpecError, data.DataError) as error:
        return refused(error)

    alone_s = of_jobs(jobs, ablation.baseline_of(profile))
    chosen = AtOnce(args.jobs, args.jobs) if args.jobs != "auto" else choose(jobs, alone_s, console.print)
    if args.profile is None and profile != "paper" and "paper" in ablation.profiles:
        console.print(paper_cost(ablation, profile), highlight=False)
    print_plan(console, ablation, jobs, chosen.count, alone_s / min(chosen.gain, len(jobs)))
    if args.dry_run:
        for job in jobs:
            console.print(str(job.folder), highlight=False, soft_wrap=True)
        return 0, f"{len(jobs)} runs planned"

    errors = []
    with Live(console, jobs) as live:
        for ended in launch(jobs, chosen.count, live.row):
            live.end(ended)
            errors += [ended] if ended.error else []
    for reason in dict.fromkeys(ended.error for ended in errors):
        names = [ended.job.name for ended in errors if ended.error == reason]
        print(f"run_ablation: {', '.join(names)}: {reason}", file=sys.stderr)
    status = 0 if not errors else 2 if all(ended.known for ended in errors) else 1
    done = f"{len(jobs) - len(errors)} of {len(jobs)} runs"
    if len(errors) == len(jobs):
        return status, done
    return conclude(console, jobs, args.out / ablation.name / "results" / profile) or status, done


def run_all(console: Console, args: Args) -> int:
    """Every ablation to its table, then one table of how each ended."""
    from rich.table import Table

    from experiments import ablations
    from experiments.terminal.duration import duration

    table = Table("ablation", "ended", "runs", "time", box=None, header_style="dim", pad_edge=False)
    table.add_column("table", overflow="fold")
    profile, statuses = args.profile or "smoke", []
    for name in ablations.names():
        started = time.monotonic()
        console.rule(name)
        try:
            status, done = run_one(console, replace(args, name=name, profile=profile))
        except Exception as error:
            traceback.print_exc()
            status, done = 1, f"{type(error).__name__}: {error}"
        statuses.append(status)
        path = args.out / name / "results" / profile / "table.md"
        words = {0: "done", 1: "failed", 2: "refused"}
        took = duration(time.monotonic() - started)
        table.add_row(name, words[status], done, took, str(path) if path.exists() else "")
    console.rule()
    console.print(table)
    return max((status for status in statuses), key=lambda status: (status == 1, status))


def list_all(console: Console, estimate: bool) -> int:
    from experiments.terminal.listing import entries, print_list

    def say(name: str) -> None:
        print(f"timing {name}", file=sys.stderr)

    print_list(console, entries(say if estimate else None))
    return 0


def list_cells(console: Console, name: str | None) -> int:
    from analysis.published.cells import PublishedError
    from analysis.published.coverage import coverage_lines
    from experiments import ablations
    from experiments.spec import SpecError

    try:
        for ablation in map(ablations.load, [name] if name else ablations.names()):
            variants = [variant.name for variant in ablation.variants]
            for line in coverage_lines(ablation.name, ablation.published, variants):
                console.print(line, highlight=False, markup=False, soft_wrap=True)
    except (SpecError, PublishedError) as error:
        return refuse(error)
    return 0


def default_profile(ablation: Ablation, device: str) -> str:
    """smoke on a CPU, paper on a GPU; the first that a user's file has where it lacks that."""
    wanted = "paper" if device == "cuda" else "smoke"
    return wanted if wanted in ablation.profiles else next(iter(ablation.profiles))


def conclude(console: Console, jobs: list[Job], folder: Path) -> int:
    """Read the logs of `jobs`, print the table and its verdict, write tables and figures."""
    from analysis import logs, write
    from analysis.results import variants as tables

    if jobs[0].wandb == "disabled":
        console.print("W&B is disabled, so there is no log to make a table from; the checkpoints are kept.")
        return 0
    try:
        runs, history = logs.load(jobs[0].out / jobs[0].ablation, run_ids=[job.spec.run_id for job in jobs])
        written = write.conclude(console, runs, history, folder)
    except (logs.LogsError, tables.TableError, OSError) as error:
        return refuse(error)
    console.print("Written:", *(f"  {path}" for path in written), sep="\n", highlight=False, soft_wrap=True)
    return 0


def refuse(reason: object) -> int:
    print(f"run_ablation: {reason}", file=sys.stderr)
    return 2


def refused(reason: object) -> tuple[int, str]:
    return refuse(reason), str(reason)


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Args, description=Args.__doc__)))
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from the last epochs", file=sys.stderr)
        sys.exit(130)
