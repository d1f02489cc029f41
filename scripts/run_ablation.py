#!/usr/bin/env python3
"""Run an ablation, or all of them, and print the paper's table beside the reproduced one."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from experiments import temporary
from experiments.execution.interruption import end_on_interrupt
from experiments.loading import AS_FITS, Loading
from scripts.running.conclude import conclude, list_cells, refuse

if TYPE_CHECKING:
    from rich.console import Console


@dataclass
class Args:
    """Run every variant of an ablation under fixed seeds, then print the paper's table beside ours.

    Finished runs are skipped and interrupted ones resumed, so the same command can be given again at any time.
    """

    name: Annotated[str | None, tyro.conf.Positional] = None
    """The ablation, e.g. resnet_preact (--list shows them all), or a file of your own: path/to/mine.py."""
    profile: str | None = None
    """How much of the paper's protocol to run: smoke, quick or paper, or one of your file's own profiles. Default:
    paper with a CUDA GPU, else smoke."""
    all: bool = False
    """Run every ablation in turn, with profile smoke unless another is given; a failure does not stop the others."""
    seeds: str | None = None
    """Seeds of every variant: 5 (0 to 4), 3-7, or 0,2,9. auto: seeds are added in rounds to the variants whose claims
    are undecided, until all are decided. Default: the profile's number of seeds."""
    max_seeds: int = 30
    """With --seeds auto: no more seeds than these. It must stay the same when a study is resumed."""
    max_hours: float = 4.0
    """With --seeds auto: no round begins that would end later than this after the command began."""
    variants: tuple[str, ...] = ()
    """Run only these variants."""
    dataset: str | None = None
    """Another data set for all variants: digits, cifar10, cifar100, fashion_mnist, mnist,
    imagefolder:PATH, npz:FILE or hf:NAME."""
    split: float | None = None
    """Share of each class to train on, for images of your own without a test set, e.g. 0.8."""
    data_dir: Path | None = None
    """Where data sets are cached. Default: $ABLATION_DATA or the user's cache folder."""
    depth: int | None = None
    """Another depth of the net for all variants, e.g. 164."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Any field for all variants, e.g. --set recipe.learning_rate=0.05 --set data.image_size=64."""
    epochs: float | None = None
    """Another length for all variants; warm-up and milestones keep their shares of it."""
    device: Literal["cpu", "cuda", "mps"] | None = None
    """Default: cuda where there is one, else cpu."""
    jobs: int | Literal["auto"] = "auto"
    """Runs in parallel; results do not depend on it. auto: as cores and memory allow; on CUDA, the fastest tested."""
    threads: int | None = None
    """CPU threads per run (default 1). It is part of a run's identity, since it changes the last bits of results."""
    precision: Literal["fp32", "tf32", "bf16"] | None = None
    """bf16 computes convolutions in bfloat16, tf32 rounds to TF32 (CUDA only). Default: the recipe's, mostly fp32."""
    compiled: bool = False
    """Fuse each training pass with torch.compile. It takes about a minute to start, so it suits long runs."""
    metrics: str = ""
    """Also measured on the test set, finished runs included: top5_error,balanced_error,macro_f1,nll,ece or your own."""
    metric: str = "error"
    """What tables and verdict compare: error, or one as in --metrics."""
    wandb: Literal["offline", "online", "disabled"] | None = None
    """Default: $WANDB_MODE, else offline, which needs no account; disabled trains without logs, so without a table."""
    wandb_entity: str | None = None
    """The user or team on the W&B server. Default: $WANDB_ENTITY, else the account's own."""
    wandb_project: str | None = None
    """The project on the W&B server. Default: $WANDB_PROJECT, else the ablation's name."""
    wandb_artifacts: bool = False
    """Also store final checkpoints, tables, figures and the report as W&B artifacts."""
    out: Path = Path("runs")
    """Where runs, tables and figures are written."""
    loading: Annotated[Loading, tyro.conf.arg(name="")] = AS_FITS
    dry_run: bool = False
    """Print the plan and stop."""
    list: bool = False
    """List the ablations with the number of runs in each profile, and stop."""
    estimate: bool = False
    """With --list: also time how long each profile would take on this machine, which itself takes about a minute."""
    cells: bool = False
    """List the published numbers that an ablation (or all) is compared with and those it is not, and stop."""


def main(args: Args) -> int:
    from experiments.datasets import DataError
    from experiments.execution.wandb_environment import TrackingError
    from experiments.spec import SpecError
    from experiments.terminal.console import make_console

    console = make_console()
    try:
        if args.list or args.estimate:
            from experiments.terminal.listing import print_list

            print_list(console, args.name, args.estimate)
            return 0
        if reason := misuse(args):
            return refuse(reason)
        if args.cells:
            return list_cells(console, args.name)
        return run_all(console, args) if args.all else run_one(console, args)[0]
    except (SpecError, DataError, TrackingError) as error:
        return refuse(error)


def misuse(args: Args) -> str | None:
    """What is wrong with the arguments, whatever the ablation; None if nothing is."""
    if args.jobs != "auto" and args.jobs < 1:
        return f"--jobs must be above 0, not {args.jobs}"
    if not 0 < args.max_hours < math.inf:
        return f"--max-hours must be above 0, not {args.max_hours:g}"
    single = ("variants", "depth", "dataset", "set")
    if args.all and (given := [f"--{option}" for option in single if getattr(args, option)]):
        return f"--all takes no {given[0]}: it would not suit every ablation; name one"
    if args.all and args.name:
        return f"give either --all or {args.name}"
    if not (args.all or args.cells or args.name):
        from experiments import ablations

        return f"name an ablation, e.g. resnet_preact; there are: {', '.join(ablations.names())}"
    return None


def run_one(console: Console, args: Args) -> tuple[int, str]:
    """One ablation from its plan to its table: exit status, and a short summary of what became of it.

    Raises SpecError, DataError or TrackingError, before anything trains.
    """
    from experiments.execution import workers
    from experiments.parsing import seeds_of

    growing = args.seeds == "auto"
    seeds = None if args.seeds is None or growing else seeds_of(args.seeds)
    if not (args.dry_run or args.jobs == 1 or (seeds is not None and len(seeds) == len(args.variants) == 1)):
        workers.begin(args.device)  # before this process imports PyTorch
    from experiments import ablations, data, machine
    from experiments.ablation import Overrides
    from experiments.execution import wandb_environment, wandb_study
    from experiments.execution.device_memory import check_device_memory
    from experiments.planning.concurrency import Parallel, plan_parallel
    from experiments.planning.estimate import sequential_seconds
    from experiments.planning.plan import check_files, check_writable, default_profile, plan
    from experiments.planning.results_folder import results_folder
    from experiments.planning.rounds import check_logged, rounds_of, with_baseline
    from experiments.terminal.plan import paper_cost, print_plan
    from experiments.terminal.progress import train_all
    from experiments.training.metrics import listed
    from scripts.running.rounds import Budget, add_seeds

    device = machine.device_for(args.device)
    settings = (device, args.threads, args.precision, args.compiled or None)  # None: as declared
    ablation = ablations.load(args.name or "")
    profile = args.profile or default_profile(ablation, device)
    rounds = rounds_of(args.max_seeds) if growing else None
    variants = with_baseline(args.variants, ablation.baseline_of(profile)) if growing else args.variants
    overrides = Overrides(variants, args.dataset, args.depth, args.epochs, *settings, args.split, args.set)
    metrics = listed(args.metrics, args.metric)
    jobs = plan(
        ablation, profile, overrides, seeds=seeds, out=args.out, data_dir=args.data_dir, metrics=metrics, rounds=rounds
    )
    jobs = [replace(job, loading=args.loading) for job in wandb_environment.addressed(jobs, args)]
    check_logged(jobs)
    check_files(jobs)
    check_writable(args.out)
    check_device_memory([job.spec for job in jobs], args.loading)
    if not args.dry_run:  # fetched once, here, where its progress can be seen
        data.prepare(jobs[0].spec.data, args.data_dir, args.loading, device)

    alone_s = sequential_seconds(jobs, ablation.baseline_of(profile))
    given = None if args.jobs == "auto" else Parallel(args.jobs, args.jobs)
    parallel = given or plan_parallel(jobs, alone_s, console.print)
    if args.profile is None and profile != "paper" and "paper" in ablation.profiles:
        console.print(paper_cost(ablation, profile), highlight=False)
    print_plan(console, ablation, jobs, parallel, alone_s, rounds)
    if args.dry_run:
        for job in jobs:
            console.print(str(job.folder), highlight=False, soft_wrap=True)
        return 0, f"{len(jobs)} runs planned"
    say = partial(console.print, highlight=False, markup=False, soft_wrap=True)
    begun = wandb_study.begin(jobs, say)
    folder = results_folder(ablation, profile, overrides, jobs, args.metric)
    if rounds is None:
        stopped = train_all(console, begun, parallel.runs)
    else:
        budget = Budget(alone_s / min(parallel.speedup, len(jobs)), args.max_hours)
        stopped, begun = add_seeds(console, begun, rounds, parallel.runs, budget, args.metric)
    status = 0 if not stopped else 2 if all(ended.known for ended in stopped) else 1
    if len(stopped) < len(begun):
        status = conclude(console, begun, folder, args.metric) or status
    wandb_study.end(begun, say)
    return status, f"{len(begun) - len(stopped)} of {len(begun)} runs"


def run_all(console: Console, args: Args) -> int:
    from experiments import ablations
    from experiments.datasets import DataError
    from experiments.planning.results_folder import last_table
    from experiments.spec import SpecError
    from experiments.terminal.every import run_each

    profile = args.profile or "smoke"

    def run(name: str) -> tuple[int, str]:
        try:
            return run_one(console, replace(args, name=name, profile=profile))
        except (SpecError, DataError) as error:
            return refuse(error), str(error)

    return run_each(console, ablations.names(), run, lambda name: last_table(args.out / name / "results"))


if __name__ == "__main__":
    try:
        args = tyro.cli(Args, description=Args.__doc__)
        temporary.use_own_folder()
        end_on_interrupt()
        sys.exit(main(args))
    except KeyboardInterrupt as interrupt:
        print("\ninterrupted; run the same command again to resume", file=sys.stderr)
        sys.exit(getattr(interrupt, "status", 130))
