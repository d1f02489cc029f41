"""What a person sees while an ablation runs: the plan, live progress, how each run ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from experiments.ablation import Ablation
from experiments.execution.launch import Ended
from experiments.planning.job import Job
from experiments.terminal.duration import duration
from experiments.training.train import Row


def print_plan(console: Console, ablation: Ablation, jobs: Sequence[Job], at_once: int, estimate_s: float) -> None:
    """The question, a row a variant, and what the whole will take."""
    first = jobs[0]
    spec = first.spec
    console.print(f"[bold]{ablation.name}[/bold]: {ablation.question}", highlight=False)
    table = Table(
        "variant", "label", "parameters", "multiply-adds", "seeds", box=None, header_style="dim", pad_edge=False
    )
    for column in table.columns[2:]:
        column.justify = "right"
    seeds: dict[str, list[int]] = {}
    for job in jobs:
        seeds.setdefault(job.variant, []).append(job.spec.seed)
    context = {job.variant: job.context for job in jobs}
    for name, chosen in seeds.items():
        mark = " (baseline)" if name == ablation.baseline_of(first.profile) else ""
        costs = context[name]
        listed = ", ".join(map(str, sorted(chosen)))
        table.add_row(
            name,
            ablation.label(name) + mark,
            f"{costs['parameters']:,}",
            f"{costs['multiply_adds'] / 1e6:,.2f} M",
            listed,
        )
    console.print(table)
    used = list(dict.fromkeys(job.spec.net.name for job in jobs))
    console.print(
        f"{len(jobs)} run{'s' * (len(jobs) != 1)}: profile {first.profile}, {', '.join(used)} on {spec.data.name}, "
        f"{spec.recipe.iterations:,} iterations of {spec.recipe.batch_size} images = {spec.epochs} epochs; "
        f"{spec.device}, {at_once} at once; about {duration(estimate_s)} if none is finished yet",
        highlight=False,
    )


class Live:
    """One bar for the whole and one for every run under way; plain lines where there is no terminal."""

    def __init__(self, console: Console, jobs: Sequence[Job]) -> None:
        self.console, self.total = console, sum(job.spec.epochs for job in jobs)
        self.done_epochs: dict[str, int] = {}
        self.bars: dict[str, Any] = {}
        self.ended = 0
        self.jobs = len(jobs)
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("epochs"),
            TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
        )  # fmt: skip
        self.progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.whole = self.progress.add_task("all runs", total=self.total, note="")

    def __enter__(self) -> Live:
        self.progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.progress.stop()

    def row(self, job: Job, row: Row) -> None:
        """Called for every epoch logged."""
        key = str(job.folder)
        if key not in self.bars:
            self.bars[key] = self.progress.add_task(job.name, total=job.spec.epochs, note="")
        self.done_epochs[key] = int(row["epoch"])
        note = f"test error {row['test/error']:.2f} %"
        self.progress.update(self.bars[key], completed=row["epoch"], note=note)
        self.progress.update(self.whole, completed=sum(self.done_epochs.values()))

    def end(self, ended: Ended) -> None:
        """Called once a run."""
        key = str(ended.job.folder)
        self.ended += 1
        self.done_epochs[key] = ended.job.spec.epochs
        self.progress.update(self.whole, completed=sum(self.done_epochs.values()))
        if key in self.bars:
            self.progress.remove_task(self.bars.pop(key))
        words = {
            "finished": "finished",
            "diverged": "diverged: its loss is not finite",
            "skipped": "finished before",
            "busy": "left alone: another process trains it",
        }
        text = words[ended.result] if ended.result else f"stopped: {(ended.error or '').strip().splitlines()[-1]}"
        self.console.print(f"[{self.ended}/{self.jobs}] {ended.job.name} {text}", highlight=False, markup=False)
