"""What a person sees while runs train: live progress, how each run ended, which errors stopped some."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from experiments.execution.executors.choose import Executor
from experiments.execution.launch import Ended, tell_on_stderr
from experiments.planning.job import Job
from experiments.terminal.duration import duration
from experiments.training.train import Row

RESULTS = {
    "finished": "finished",
    "diverged": "diverged: the loss is not finite",
    "skipped": "finished before",
    "busy": "skipped: another process is training it",
}

WINDOW_S = 300.0  # by whose speed the time left is estimated


def train_all(console: Console, jobs: Sequence[Job], executor: Executor) -> list[Ended]:
    """Have `jobs` carried out, with live progress; returns those that an error stopped, one line per error printed."""
    stopped = []
    with Live(console, jobs) as live:
        for ended in executor(jobs, live.row, tell_on_stderr, live.stepped):
            live.end(ended)
            stopped += [ended] if ended.error else []
    for error in dict.fromkeys(ended.error for ended in stopped):
        names = [ended.job.name for ended in stopped if ended.error == error]
        print(f"run_ablation: {', '.join(names)}: {error}", file=sys.stderr)
    return stopped


class Live:
    """One bar for everything and one per run in progress; plain lines where there is no terminal.

    Bars count work: steps times the net's multiply-adds, so that the time left is right where variants differ in cost.
    """

    def __init__(self, console: Console, jobs: Sequence[Job]) -> None:
        self.console, self.jobs, self.ended = console, len(jobs), 0
        self.total = sum(map(work, jobs))
        self.done: dict[str, float] = {}
        self.bars: dict[str, Any] = {}
        columns = (
            TextColumn("{task.description}"), BarColumn(bar_width=None), TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(), TextColumn("left"),
        )  # fmt: skip
        self.progress = Progress(
            *columns, console=console, transient=True, expand=True, disable=not console.is_terminal,
            speed_estimate_period=WINDOW_S,
        )  # fmt: skip
        self.whole = self.progress.add_task("all runs", total=self.total, note=f"0 of {self.jobs} runs")

    def __enter__(self) -> Live:
        self.progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.progress.stop()

    def stepped(self, job: Job, steps: int) -> None:
        """Called about once a second for every run in progress."""
        key = str(job.folder)
        if key not in self.bars:
            self.bars[key] = self.progress.add_task(job.name, total=work(job), note=f"epoch 1 of {job.spec.epochs}")
        self.done[key] = work(job) * steps / job.spec.recipe.iterations
        self.progress.update(self.bars[key], completed=self.done[key])
        self._update()

    def row(self, job: Job, row: Row) -> None:
        """Called for every logged epoch."""
        epoch = int(row["epoch"])
        self.stepped(job, job.spec.epoch_end(epoch - 1))
        note = f"epoch {epoch} of {job.spec.epochs}, error {row['test/error']:.2f} %"
        self.progress.update(self.bars[str(job.folder)], note=note)

    def end(self, ended: Ended) -> None:
        """Called once per run."""
        key = str(ended.job.folder)
        self.ended += 1
        if key in self.bars:
            self.progress.remove_task(self.bars.pop(key))
            self.done[key] = work(ended.job)
        else:  # nothing was left to train, which tells nothing about the speed
            self.total -= work(ended.job)
            self.progress.update(self.whole, total=self.total)
        self._update()
        text = RESULTS[ended.result] if ended.result else f"stopped: {(ended.error or '').strip().splitlines()[-1]}"
        left = self.progress.tasks[0].time_remaining
        more = f"; about {duration(left)} left" if left and self.ended < self.jobs else ""
        self.console.print(f"[{self.ended}/{self.jobs}] {ended.job.name} {text}{more}", highlight=False, markup=False)

    def _update(self) -> None:
        self.progress.update(self.whole, completed=sum(self.done.values()), note=f"{self.ended} of {self.jobs} runs")


def work(job: Job) -> float:
    """In multiply-adds for one image of each batch."""
    return job.spec.recipe.iterations * job.context["multiply_adds"]
