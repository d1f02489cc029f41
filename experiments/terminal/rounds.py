"""Seeds in rounds as a person sees them: one line after each look, and what a plan can cost at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.rounds import Rounds
from experiments.planning.rounds import Round
from experiments.terminal.duration import duration

OPEN = ("undecided", "not run")  # verdicts that more seeds may change


def plan_line(rounds: Rounds, variants: int) -> str:
    """For the plan: the looks, and the number of runs in the first round and at most."""
    return (
        f"seeds are added in rounds to the variants whose claims are undecided: looks after {joined(rounds.looks)} "
        f"seeds; {rounds.looks[0] * variants} runs in the first round, at most {rounds.most * variants} in all"
    )


def look_line(
    look: int | None, words: Mapping[str, str], following: Round | None, baseline: str, stop: str | None = None
) -> str:
    """What is decided after `look` seeds (None: no look yet), and what comes next or why the study stops.

    words: label -> verdict in a word. baseline: its label. stop: None while the study goes on.
    """
    decided = [f"{label} {word}" for label, word in words.items() if word not in OPEN]
    undecided = [label for label, word in words.items() if word in OPEN]
    parts = [", ".join(decided)] if decided else []
    parts += [f"undecided: {', '.join(undecided)}"] if undecided else []
    seen = "" if look is None else f"After {look} seeds: {'; '.join(parts)}. "
    if stop is not None:
        return f"{seen}Stopped: {stop}."
    if following is None:
        raise ValueError("a study goes on with a round or stops for a reason")
    runs = len(following.jobs)
    others = len(following.variants) - 1
    return (
        f"{seen}Next: {following.look} seeds of {baseline} and {others} undecided variant{'s' * (others != 1)}, "
        f"{runs} run{'s' * (runs != 1)} more."
    )


def why_stopped(words: Mapping[str, str], following: Round | None, rounds: Rounds, seconds: float, hours: float) -> str:
    """seconds: the estimate of the following round. hours: what --max-hours allows."""
    if following is not None:
        return (
            f"the next round, {len(following.jobs)} runs, would take about {duration(seconds)} and so pass --max-hours "
            f"{hours:g}; the same command with more hours continues"
        )
    if any(word in OPEN for word in words.values()):
        return f"{rounds.most} seeds are the most that --max-seeds allows"
    return "every claim is decided"


def joined(numbers: Sequence[int]) -> str:
    """ "4, 6 and 8"."""
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}" if first else last
