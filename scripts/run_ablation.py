#!/usr/bin/env python3
"""Run an ablation, or all of them, and print the paper's table beside the reproduced one."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from experiments import temporary
from experiments.execution.interruption import end_on_interrupt
from experiments.execution.together import follow_if_told, leading
from experiments.terminal.arguments import Args
from scripts.running.conclude import conclude, list_cells, refuse

if TYPE_CHECKING:
    from rich.console import Console


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
        args.engine.check()
        if args.cells:
            return list_cells(console, args.name)
        if args.status or args.watch:
            from experiments.terminal.status import look

            if look(console, args.out, args.name, args.profile, args.watch):
                return 0
        return run_all(console, args) if args.all else run_one(console, args)[0]
    except (SpecError, DataError, TrackingError) as error:
        return refuse(error)


def misuse(args: Args) -> str | None:
    """What is wrong with the arguments, whatever the ablation; None if nothing is."""
    if args.jobs != "auto" and args.jobs < 1:
        return f"--jobs must be above 0, not {args.jobs}"
    if args.margin is not None and not 0 < args.margin < math.inf:
        return f"--margin must be above 0, not {args.margin:g}"
    if not 0 < args.max_hours < math.inf:
        return f"--max-hours must be above 0, not {args.max_hours:g}"
    if args.seeds == "auto" and args.engine.shard:
        return "--seeds auto takes no --shard: the next round depends on all runs of the last one"
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
    engine, only_look = args.engine, args.dry_run or args.status or args.watch
    one = args.jobs == 1 or (seeds is not None and len(seeds) == len(args.variants) == 1)
    if not (only_look or one or engine.executor != "local"):
        workers.begin(args.device)  # before this process imports PyTorch
    from experiments import ablations, data
    from experiments.ablation import Overrides
    from experiments.execution import wandb_environment, wandb_study
    from experiments.execution.device_memory import check_device_memory
    from experiments.execution.executors import choose
    from experiments.execution.executors.options import part_of
    from experiments.execution.standing import unfinished
    from experiments.planning import plan_file, threads
    from experiments.planning.concurrency import plan_parallel
    from experiments.planning.estimate import sequential_seconds
    from experiments.planning.plan import check_files, check_writable, default_profile, plan
    from experiments.planning.results_folder import results_folder
    from experiments.planning.rounds import check_logged, rounds_of, with_baseline
    from experiments.terminal.plan import how_locally, paper_cost, print_plan
    from experiments.terminal.progress import train_all
    from experiments.terminal.status import print_status
    from experiments.training.metrics import listed
    from scripts.running.rounds import Budget, add_seeds

    device = choose.device_for(engine, args.device)
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
    if args.threads is None:
        every = partial(ablation.specs, profile, replace(overrides, variants=()))
        jobs = threads.settled(jobs, every, engine.executor == "local")
    if args.status or args.watch:
        print_status(console, {jobs[0].study: {profile: list(map(plan_file.planned_of, jobs))}})
        return 0, f"{len(jobs)} runs planned"
    check_logged(jobs)
    check_files(jobs)
    check_writable(args.out)
    if engine.executor == "local":
        check_device_memory([job.spec for job in jobs], args.loading)
    if not args.dry_run:
        choose.check(engine)
        # fetched once, here, where its progress can be seen
        data.prepare(jobs[0].spec.data, args.data_dir, args.loading, device if engine.executor == "local" else "cpu")

    folder = results_folder(ablation, profile, overrides, jobs, args.metric)
    if engine.executor == "local":
        alone_s = sequential_seconds(jobs, ablation.baseline_of(profile))
        parallel = plan_parallel(jobs, alone_s, args.jobs, console.print)
        executor = choose.local(parallel.runs)
        how = how_locally(parallel, len(jobs), alone_s, jobs[0].spec.threads)
        budget = Budget(alone_s / min(parallel.speedup, len(jobs)), args.max_hours)
        if profile == "paper" or (args.profile is None and "paper" in ablation.profiles):
            console.print(paper_cost(ablation, profile, device), highlight=False)
    else:
        executor, how = choose.elsewhere(engine, None if args.jobs == "auto" else args.jobs)
        budget = Budget(0.0, args.max_hours)
    print_plan(console, ablation, jobs, how, rounds)
    if args.dry_run:
        for job in part_of(jobs, engine.shard):
            console.print(str(job.folder), highlight=False, soft_wrap=True)
        return 0, f"{len(jobs)} runs planned"
    say = partial(console.print, highlight=False, markup=False, soft_wrap=True)
    if args.threads is None:
        threads.keep(jobs)
    begun = wandb_study.begin(jobs, say)
    plan_file.write(jobs, folder.name)
    if rounds is None:
        begun = part_of(begun, engine.shard)
        stopped = train_all(console, begun, executor)
    else:
        stopped, begun = add_seeds(console, begun, rounds, executor, budget, args.metric, args.margin)
        plan_file.write(begun, folder.name)  # the other runs are not needed
    status = 0 if not stopped else 2 if all(ended.known for ended in stopped) else 1
    if engine.shard and (left := unfinished(jobs)):
        say(f"shard {engine.shard} has ended, {left} runs of the plan are left; the last shard to end writes the table")
    elif len(stopped) < len(begun):
        status = conclude(console, jobs if engine.shard else begun, folder, args.metric, args.margin) or status
    wandb_study.end(begun, say)
    return status, f"{len(begun) - len(stopped)} of {len(begun)} runs"


def run_all(console: Console, args: Args) -> int:
    from analysis.output import index
    from analysis.study import TableError
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

    status = run_each(console, ablations.names(), run, lambda name: last_table(args.out / name / "results"))
    try:
        for path in index.write(args.out):
            console.print(str(path), highlight=False, markup=False, soft_wrap=True)
    except (TableError, OSError) as error:
        return refuse(error)
    return status


if __name__ == "__main__":
    try:
        follow_if_told()
        args = tyro.cli(Args, description=Args.__doc__)
        temporary.use_own_folder()
        end_on_interrupt()
        with leading():
            sys.exit(main(args))
    except KeyboardInterrupt as interrupt:
        print("\ninterrupted; run the same command again to resume", file=sys.stderr)
        sys.exit(getattr(interrupt, "status", 130))
