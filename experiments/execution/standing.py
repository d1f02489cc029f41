"""How far each run of a plan is, read from the runs' folders alone: by any host, at any time. Without PyTorch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from experiments.execution import state
from experiments.execution.lock import holder_of, is_held
from experiments.execution.state import State
from experiments.planning.job import Job
from experiments.planning.plan_file import Planned, planned_of

Kind = Literal["done", "running", "failed", "waiting"]
READERS = 32  # threads: on a network file system most of the time is spent waiting for the server


@dataclass(frozen=True)
class Standing:
    """One run: done (finished or diverged), running, failed (an error stopped it) or waiting (begun before or not)."""

    planned: Planned
    kind: Kind
    state: State
    holder: str = ""

    @property
    def epochs_left(self) -> int:
        return 0 if self.kind == "done" else max(0, self.planned.epochs - self.state.epoch)


def standings(study: Path, runs: Sequence[Planned]) -> list[Standing]:
    """Of every run, in the order of the plan."""
    with ThreadPoolExecutor(READERS) as readers:
        return list(readers.map(lambda run: standing(study, run), runs))


def standing(study: Path, run: Planned) -> Standing:
    folder = study / run.folder
    if is_held(folder):
        return Standing(run, "running", state.read(folder), holder_of(folder))
    last = state.read(folder)
    return Standing(run, "done" if last.outcome else "failed" if last.error else "waiting", last)


def unfinished(jobs: Sequence[Job]) -> int:
    """How many of these runs are not done."""
    return sum(each.kind != "done" for each in standings(jobs[0].study, list(map(planned_of, jobs))))


@dataclass(frozen=True)
class Summary:
    """A plan as a whole. spent_s, left_s: seconds of training, as if one run followed the other; left_s: None if
    nothing has been timed yet."""

    counts: Counter[Kind]
    spent_s: float
    left_s: float | None


def summary_of(found: Sequence[Standing], now: float) -> Summary:
    """now: seconds since 1970."""
    epoch_s = epoch_timer(found)
    spent = sum(each.state.train_s for each in found)
    lefts = [left_s(each, epoch_s(each), now) for each in found]
    known = [seconds for seconds in lefts if seconds is not None]
    return Summary(Counter(each.kind for each in found), spent, sum(known) if len(known) == len(lefts) else None)


def left_s(each: Standing, epoch_s: float | None, now: float) -> float | None:
    """Seconds that a run still takes: its epochs left, less what a running one has spent on the one under way."""
    if each.epochs_left == 0:
        return 0.0
    if epoch_s is None:
        return None
    begun = now - max(each.state.since, each.state.updated) if each.kind == "running" else 0.0
    return max(0.0, each.epochs_left * epoch_s - min(begun, epoch_s))


def epoch_timer(found: Iterable[Standing]) -> Callable[[Standing], float | None]:
    """Seconds per epoch of any run: its own mean; before its first epoch its variant's; else by multiply-adds."""
    timed = [each for each in found if each.state.epoch]
    by_variant: dict[str, list[float]] = {}
    for each in timed:
        by_variant.setdefault(each.planned.variant, []).append(each.state.train_s / each.state.epoch)
    work = sum(each.planned.work * each.state.epoch / each.planned.epochs for each in timed)
    work_s = sum(each.state.train_s for each in timed) / work if work else None

    def epoch_s(each: Standing) -> float | None:
        if each.state.epoch:
            return each.state.train_s / each.state.epoch
        if own := by_variant.get(each.planned.variant):
            return sum(own) / len(own)
        return None if work_s is None else work_s * each.planned.work / each.planned.epochs

    return epoch_s
