"""The plan as a person sees it before anything trains: variants, seeds, length, and how long it will take."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from analysis.rounds import Rounds
from experiments.ablation import Ablation
from experiments.overrides import lacks_images
from experiments.planning.concurrency import Parallel
from experiments.planning.estimate import profile_seconds
from experiments.planning.job import Job
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
    for note in spec.data.info.notes:
        console.print(f"{spec.data.name}: {note}", highlight=False, markup=False)


def how_locally(parallel: Parallel, runs: int, sequential_s: float) -> str:
    """How many in parallel, and how long. sequential_s: seconds for the runs one after the other."""
    seconds = sequential_s / min(parallel.speedup, runs)
    return f"{parallel.runs} in parallel; about {duration(seconds)} if none is finished yet"


def paper_cost(ablation: Ablation, profile: str) -> str:
    """Two sentences for a machine without a GPU: which profile it runs, and what the paper's protocol would take."""
    base = ablation.specs("paper")[ablation.baseline_of("paper")]
    data = "ImageNet" if lacks_images(base) else base.data.name
    runs = len(ablation.variants_of("paper")) * ablation.profiles["paper"].seeds
    return (
        f"No GPU: profile {profile}. The paper's protocol (--profile paper: {runs} runs of {base.net.name} on {data}) "
        f"would take about {duration(profile_seconds(ablation, 'paper', 'cpu'))} here."
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
