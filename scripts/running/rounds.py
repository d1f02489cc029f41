"""`--seeds auto`: train a round, look at the logs, and go on with the variants whose claims are still undecided."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analysis.rounds import Rounds

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.execution.executors.choose import Executor
    from experiments.execution.launch import Ended
    from experiments.planning.job import Job


@dataclass(frozen=True)
class Look:
    """What the logs show so far.

    ended: by variant the seeds whose runs have ended. words: variant -> its verdict in a word, the baseline aside.
    begun: the rounds that the logs declare.
    """

    ended: Mapping[str, frozenset[int]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    begun: Rounds | None = None


@dataclass(frozen=True)
class Budget:
    """seconds: estimate for all runs that the plan allows, as many in parallel as will be; 0 where it cannot be made
    here. hours: of one command."""

    seconds: float
    hours: float


def add_seeds(
    console: Console,
    jobs: Sequence[Job],
    rounds: Rounds,
    executor: Executor,
    budget: Budget,
    metric: str,
    margin: float | None = None,
) -> tuple[list[Ended], list[Job]]:
    """The runs that an error stopped, and all jobs that have been trained, those included; one line after each look.

    jobs: every run that the plan allows. Raises SpecError, one line, where the logs were begun under another plan, and
    where not even the first round fits into the budget.
    """
    from experiments.planning.rounds import check_plan, next_round
    from experiments.spec import SpecError
    from experiments.terminal.progress import train_all
    from experiments.terminal.rounds import OPEN, look_line, why_stopped

    declared = jobs[0].context["ablation"]
    baseline, labels = declared["baseline"], dict(zip(declared["variants"], declared["labels"], strict=True))
    chosen = dict.fromkeys(job.variant for job in jobs)
    started, per_run_s = time.monotonic(), budget.seconds / len(jobs)
    stopped: list[Ended] = []
    trained: Sequence[Job] = ()
    while True:
        seen = look_at(jobs, metric, margin)
        check_plan(rounds, seen.begun, jobs[0].study)
        words = {name: seen.words.get(name, "not run") for name in chosen if name != baseline}
        undecided = [name for name, word in words.items() if word in OPEN]
        following = next_round(jobs, rounds, seen.ended, undecided, baseline)
        seconds = per_run_s * len(following.jobs) if following else 0.0
        stop = None
        if stopped:
            stop = f"{len(stopped)} runs of this round ended with an error; the same command tries them again"
        elif following and following.jobs == trained:
            stop = f"the logs have no {metric} of {', '.join(job.name for job in trained[:3])}"
        elif following is None or time.monotonic() - started + seconds > 3600 * budget.hours:
            stop = why_stopped(words, following, rounds, seconds, budget.hours)
        if stop and not seen.ended and not stopped:
            raise SpecError(f"nothing was trained: {stop}")
        reached = rounds.reached([seen.ended.get(baseline, ())])
        said = {labels[name]: word for name, word in words.items()}
        line = look_line(reached[-1] if reached else None, said, following, labels[baseline], stop)
        console.print(line, highlight=False, markup=False, soft_wrap=True)
        if stop or following is None:
            failing = {ended.job.folder for ended in stopped}
            ended = [job for job in jobs if job.spec.seed in seen.ended.get(job.variant, ()) or job.folder in failing]
            return stopped, ended
        begun = time.monotonic()
        stopped, trained = train_all(console, following.jobs, executor), following.jobs
        per_run_s = (time.monotonic() - begun) / len(trained)


def look_at(jobs: Sequence[Job], metric: str, margin: float | None = None) -> Look:
    """The logs of `jobs`, read back as the report at the end reads them. Raises SpecError, one line."""
    from analysis import logs
    from analysis.results.standing import standing
    from analysis.study import Study, TableError
    from analysis.study.check import check
    from experiments.execution import wandb_files
    from experiments.spec import SpecError

    if not any(wandb_files.fragments(job) for job in jobs):
        return Look()
    try:
        runs, history = logs.load(jobs[0].study, run_ids=[wandb_files.log_id(job) for job in jobs])
        study = Study.from_frames(runs, history, metric, margin)
        check(study)
    except (logs.LogsError, TableError) as error:
        raise SpecError(str(error)) from None
    ended = {name: outcomes.ended for name, outcomes in study.outcomes.items() if outcomes.ended}
    return Look(ended, standing(study), study.declared.rounds)
