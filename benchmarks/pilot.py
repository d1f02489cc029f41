"""How many seeds and epochs let a profile decide the most, within a time: a pilot under seeds of its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

if __name__ == "__main__":  # before PyTorch is imported here and by `launch`'s workers
    from experiments.execution import workers

    workers.begin("cpu")

import pandas as pd

from analysis import logs
from analysis.stats.assurance import expected_decided, typical_smallest
from analysis.stats.paired import Difference, paired_difference
from benchmarks.command_line import check_positive, run
from experiments import ablations
from experiments.ablation import Ablation, Overrides
from experiments.execution import wandb_files
from experiments.execution.launch import launch
from experiments.planning.job import Job
from experiments.planning.pilot import FIRST_SEED, MOST_SEEDS, TABLE, Choice
from experiments.planning.plan import plan

NEAR = 0.9  # of the most decisions: what reaches this is as good
FEWEST_SEEDS = 4


@dataclass
class Args:
    """Train each variant of a profile for several lengths under seeds from 1000, then choose its epochs and seeds.

    Chosen is what decides the most comparisons with the baseline within the time, of the lengths given and the seeds
    that fit; the profile itself runs under seeds from 0, so no verdict is made from the runs that it was chosen by.
    Finished runs are not trained again.
    """

    names: Annotated[tuple[str, ...], tyro.conf.Positional]
    """The ablations."""
    profile: str = "smoke"
    """The profile whose nets and data are trained."""
    epochs: tuple[float, ...] = ()
    """Lengths to try. Default: a quarter, a half and all of the profile's."""
    seeds: int = 6
    """Seeds of the pilot, from 1000."""
    minutes: float = 5.0
    """For the whole study, set-up left out."""
    cores: int = 2
    """Runs in parallel, one thread each."""
    out: Path = Path("runs/pilot")
    """Where the pilot's runs are kept."""
    data_dir: Path | None = None
    """Where data sets are cached."""
    write: bool = False
    """Put the choice into experiments/planning/pilot.csv, which the profile must then agree with."""


def main(args: Args) -> None:
    check_positive(args, "seeds", "minutes", "cores")
    found = []
    for name in args.names:
        ablation = ablations.load(name)
        lengths = args.epochs or tuple(
            share * (ablation.profiles[args.profile].epochs or 1) for share in (0.25, 0.5, 1)
        )
        tried = [choice for length in lengths for choice in _of_length(args, ablation, length)]
        print(f"{name}: {len(tried[0].differences)} comparisons with {ablation.baseline_of(args.profile)}")
        best = choose([choice.choice for choice in tried])
        for choice in (candidate.choice for candidate in tried):
            if choice == best or choice.seeds in (FEWEST_SEEDS, 8, 12, MOST_SEEDS):
                print(f"{'->' if choice == best else '  '} {choice.text}")
        found.append(best)
    if args.write:
        write(found)


@dataclass(frozen=True)
class Candidate:
    choice: Choice
    differences: Sequence[Difference]


def _of_length(args: Args, ablation: Ablation, epochs: float) -> list[Candidate]:
    """Every number of seeds that fits in the time, for one length."""
    jobs = plan_of(args, ablation, epochs, range(FIRST_SEED, FIRST_SEED + args.seeds))
    for ended in launch(jobs, args.cores, progress=lambda job, row: None):
        if ended.error:
            sys.exit(f"pilot: {ended.job.name}: {ended.error}")
    seed_s = seconds_of_one_seed(args, ablation, epochs)
    most = min(MOST_SEEDS, int(60 * args.minutes * args.cores / seed_s))
    differences = differences_of(jobs, ablation.baseline_of(args.profile))
    resolution = 100 / jobs[0].spec.data.info.test_images
    return [
        Candidate(
            Choice(
                ablation=ablation.name,
                profile=args.profile,
                epochs=epochs,
                seeds=n,
                comparisons=len(differences),
                decided=round(expected_decided(differences, n, resolution), 1),
                smallest=round(typical_smallest(differences, n, resolution), 1),
                minutes=round(n * seed_s / args.cores / 60, 1),
                pilot_seeds=args.seeds,
            ),
            differences,
        )
        for n in range(min(FEWEST_SEEDS, most), most + 1)
    ]


def choose(choices: Sequence[Choice]) -> Choice:
    """Of those that decide at least nine tenths of the most that any of them decides, the longest training; of these,
    the quickest study: the first passes tell little about where nets end."""
    most = max(choice.decided for choice in choices)
    near = [choice for choice in choices if choice.decided >= NEAR * most]
    return min(near, key=lambda choice: (-choice.epochs, choice.minutes))


def plan_of(args: Args, ablation: Ablation, epochs: float, seeds: range) -> list[Job]:
    overrides = Overrides(epochs=epochs, device="cpu")
    jobs = plan(ablation, args.profile, overrides, seeds=seeds, out=args.out, data_dir=args.data_dir)
    return [replace(job, signals=False) for job in jobs]


def seconds_of_one_seed(args: Args, ablation: Ablation, epochs: float) -> float:
    """CPU seconds of one run of every variant, one after the other in this process, apart from the pilot's runs."""
    args = replace(args, out=args.out / "timing")
    jobs = plan_of(args, ablation, epochs, range(FIRST_SEED - 1, FIRST_SEED))
    kept = args.out / ablation.name / f"{args.profile}-{epochs:g}.txt"
    if not kept.exists():
        began = time.process_time()
        for ended in launch(jobs, 1, progress=lambda job, row: None):
            if ended.error:
                sys.exit(f"pilot: {ended.job.name}: {ended.error}")
        kept.write_text(f"{time.process_time() - began:.3f}\n")
    return float(kept.read_text())


def differences_of(jobs: Sequence[Job], baseline: str) -> list[Difference]:
    """Each variant minus the baseline in percentage points of test error, paired by seed."""
    runs, _ = logs.load(jobs[0].study, run_ids=[wandb_files.log_id(job) for job in jobs])
    runs = runs.dropna(subset=["summary.test/error"])
    errors = {
        name: dict(zip(of["seed"], of["summary.test/error"], strict=True)) for name, of in runs.groupby("variant")
    }
    return [paired_difference(errors[baseline], errors[name]) for name in errors if name != baseline]


def write(found: Sequence[Choice]) -> None:
    """The table with these rows in place of those of the same ablation and profile."""
    old = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame()
    rows = {(row["ablation"], row["profile"]): row for row in old.to_dict("records")}
    rows |= {(choice.ablation, choice.profile): vars(choice) for choice in found}
    pd.DataFrame([rows[key] for key in sorted(rows)]).to_csv(TABLE, index=False)
    print(f"Written: {TABLE}")


if __name__ == "__main__":
    run(Args, main)
