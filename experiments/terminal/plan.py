"""The plan as a person sees it before anything trains: variants, seeds, length, and how long it will take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from analysis.rounds import Rounds
from experiments.ablation import Ablation
from experiments.overrides import lacks_images
from experiments.planning.concurrency import Parallel
from experiments.planning.estimate import profile_seconds
from experiments.planning.job import Job
from experiments.planning.pilot import choices
from experiments.terminal.duration import duration
from experiments.terminal.rounds import plan_line


def print_plan(
    console: Console, ablation: Ablation, jobs: Sequence[Job], how: str, rounds: Rounds | None = None
) -> None:
    """The question, one row per variant, the length of the runs, and how they are carried out.

    rounds: where seeds are added on demand.
    """
    console.print(f"[bold]{ablation.name}[/bold]: {ablation.question}", highlight=False)
    console.print(_table(ablation, jobs, rounds))
    first, epochs = jobs[0], jobs[0].spec.epochs
    spec, nets = first.spec, dict.fromkeys(job.spec.net.name for job in jobs)
    console.print(
        f"{'at most ' * (rounds is not None)}{len(jobs)} run{'s' * (len(jobs) != 1)}: profile {first.profile}, "
        f"{', '.join(nets)} on {spec.data.name} "
        f"({' x '.join(map(str, spec.data.shape[1:]))} pixels), "
        f"{spec.recipe.iterations:,} iterations of {spec.recipe.batch_size} images = "
        f"{epochs} epoch{'s' * (epochs != 1)}; "
        f"{spec.device}, {how}",
        highlight=False,
    )
    if rounds is not None:
        console.print(plan_line(rounds, len({job.variant for job in jobs})), highlight=False)
    if rounds is None and (shown := shown_line(ablation, jobs)):
        console.print(shown, highlight=False)
    for note in spec.data.info.notes:
        console.print(f"{spec.data.name}: {note}", highlight=False, markup=False)


def how_locally(parallel: Parallel, runs: int, sequential_s: float, threads: int = 1) -> str:
    """How many in parallel, and how long. sequential_s: seconds for the runs one after the other."""
    seconds = sequential_s / min(parallel.speedup, runs)
    each = f" with {threads} CPU threads each" if threads > 1 else ""
    return f"{parallel.runs} in parallel{each}; about {duration(seconds)} if none is finished yet"


def paper_cost(ablation: Ablation, profile: str, device: str) -> str:
    """What the paper's own protocol would take, or takes, on this machine, beside the profile that runs."""
    base = ablation.specs("paper")[ablation.baseline_of("paper")]
    data = "ImageNet" if lacks_images(base) else base.data.name
    runs = len(ablation.variants_of("paper")) * ablation.profiles["paper"].seeds
    hours = duration(profile_seconds(ablation, "paper", device))
    what = f"{runs} runs of {base.net.name} on {data}"
    if profile == "paper":
        return f"The paper's protocol, {what}, takes about {hours} here."
    where = "A GPU" if device == "cuda" else "No GPU"
    return f"{where}: profile {profile}. The paper's protocol (--profile paper: {what}) would take about {hours} here."


def shown_line(ablation: Ablation, jobs: Sequence[Job]) -> str | None:
    """What a profile of this length and these seeds can show, where a pilot measured it."""
    first = jobs[0]
    choice = choices().get((ablation.name, first.profile))
    if ablation.file or choice is None or len({job.spec.seed for job in jobs}) != choice.seeds:
        return None
    declared = ablation.specs(first.profile)
    as_declared = replace(first.spec, seed=0, device="cpu", threads=1) == declared[first.variant]
    if not as_declared or len({job.variant for job in jobs}) != len(declared):
        return None
    return (
        f"What {first.profile} can show, by a pilot of {choice.pilot_seeds} other seeds: about {choice.decided:.1f} of "
        f"{choice.comparisons} differences to the baseline; one of {choice.smallest:.1f} percentage points with a "
        "power of 80 %."
    )


def _table(ablation: Ablation, jobs: Sequence[Job], rounds: Rounds | None) -> Table:
    table = Table(
        "variant", "label", "parameters", "multiply-adds", "seeds", box=None, header_style="dim", pad_edge=False
    )
    for column in table.columns[2:]:
        column.justify = "right"
    for name in dict.fromkeys(job.variant for job in jobs):
        own = [job for job in jobs if job.variant == name]
        seeds = sorted(job.spec.seed for job in own)
        mark = " (baseline)" if name == ablation.baseline_of(own[0].profile) else ""
        table.add_row(
            name,
            ablation.label(name) + mark,
            f"{own[0].context['parameters']:,}",
            f"{own[0].context['multiply_adds'] / 1e6:,.2f} M",
            f"{rounds.looks[0]} to {rounds.most}" if rounds else ", ".join(map(str, seeds)),
        )
    return table
