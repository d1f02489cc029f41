"""What a person sees while runs train: live progress, how each run ended, which errors stopped some."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from experiments.execution.launch import Ended, launch
from experiments.planning.job import Job
from experiments.training.train import Row

RESULTS = {
    "finished": "finished",
    "diverged": "diverged: the loss is not finite",
    "skipped": "finished before",
    "busy": "skipped: another process is training it",
}


def train_all(console: Console, jobs: Sequence[Job], parallel: int) -> list[Ended]:
    """Train `jobs` with live progress; returns those that an error stopped, after printing one line per error."""
    stopped = []
    with Live(console, jobs) as live:
        for ended in launch(jobs, parallel, live.row):
            live.end(ended)
            stopped += [ended] if ended.error else []
    for error in dict.fromkeys(ended.error for ended in stopped):
        names = [ended.job.name for ended in stopped if ended.error == error]
        print(f"run_ablation: {', '.join(names)}: {error}", file=sys.stderr)
    return stopped


class Live:
    """One bar for everything and one per run in progress; plain lines where there is no terminal."""

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
        """Called for every logged epoch."""
        key = str(job.folder)
        if key not in self.bars:
            self.bars[key] = self.progress.add_task(job.name, total=job.spec.epochs, note="")
        self.done_epochs[key] = int(row["epoch"])
        note = f"test error {row['test/error']:.2f} %"
        self.progress.update(self.bars[key], completed=row["epoch"], note=note)
        self.progress.update(self.whole, completed=sum(self.done_epochs.values()))

    def end(self, ended: Ended) -> None:
        """Called once per run."""
        key = str(ended.job.folder)
        self.ended += 1
        self.done_epochs[key] = ended.job.spec.epochs
        self.progress.update(self.whole, completed=sum(self.done_epochs.values()))
        if key in self.bars:
            self.progress.remove_task(self.bars.pop(key))
        text = RESULTS[ended.result] if ended.result else f"stopped: {(ended.error or '').strip().splitlines()[-1]}"
        self.console.print(f"[{self.ended}/{self.jobs}] {ended.job.name} {text}", highlight=False, markup=False)
