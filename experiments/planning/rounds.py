"""Seeds on demand: which runs the next round trains, and what a study that grows can cost at most."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from analysis.rounds import FEWEST, MOST, Rounds, looks_up_to
from experiments.planning.job import Job
from experiments.spec import SpecError


@dataclass(frozen=True)
class Round:
    """look: the runs are looked at once each of `variants`, the baseline among them, has this many seeds.

    jobs: what is still to be trained for that, seed by seed.
    """

    look: int
    variants: tuple[str, ...]
    jobs: tuple[Job, ...]


def rounds_of(max_seeds: int) -> Rounds:
    """Raises SpecError, one line, for fewer seeds than the first look has or more than LOOKS knows."""
    if not FEWEST <= max_seeds <= MOST:
        raise SpecError(f"--max-seeds must be from {FEWEST} to {MOST}, not {max_seeds}")
    return Rounds(looks_up_to(max_seeds))


def with_baseline(variants: Sequence[str], baseline: str) -> tuple[str, ...]:
    """The chosen variants, and the baseline, which every round needs; none chosen are all."""
    return tuple(dict.fromkeys((baseline, *variants))) if variants else ()


def next_round(
    jobs: Sequence[Job],
    rounds: Rounds,
    ended: Mapping[str, Collection[int]],
    undecided: Collection[str],
    baseline: str,
) -> Round | None:
    """The earliest look that an undecided variant has not reached together with the baseline; None: there is none.

    jobs: every run that the plan allows. ended: by variant the seeds whose runs have. A round that was interrupted
    comes again without its runs that have ended, so an interrupted study makes the same looks as any other.
    """
    planned = dict.fromkeys(job.variant for job in jobs)
    following: dict[str, int] = {}
    for name in planned:
        reached = rounds.reached([ended.get(name, ()), ended.get(baseline, ())])
        left = rounds.looks[len(reached) :]
        if name in undecided and name != baseline and left:
            following[name] = left[0]
    if not following:
        return None
    look = min(following.values())
    taking_part = {baseline, *(name for name, n in following.items() if n == look)}
    needed = tuple(
        job
        for job in jobs
        if job.variant in taking_part and job.spec.seed < look and job.spec.seed not in ended.get(job.variant, ())
    )
    return Round(look, tuple(name for name in planned if name in taking_part), needed)


def check_logged(jobs: Sequence[Job]) -> None:
    """Raise SpecError, one line, if seeds are added by what logs say and there are none."""
    if jobs[0].context["ablation"].get("looks") and jobs[0].wandb == "disabled":
        raise SpecError(
            "--seeds auto reads the W&B logs after each round, so W&B must not be disabled; offline will do"
        )


def check_plan(rounds: Rounds, begun: Rounds | None, where: object) -> None:
    """Raise SpecError, one line, if the runs in `where` were begun under another plan: error rates hold for one plan.

    begun: what their logs declare; None where no run declares rounds.
    """
    if begun is not None and begun != rounds:
        raise SpecError(
            f"the seeds in {where} are added under the plan --max-seeds {begun.most}, which must not change once runs "
            f"were looked at: keep --max-seeds {begun.most}, or begin a new study with --out"
        )
