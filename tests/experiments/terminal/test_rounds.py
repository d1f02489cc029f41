"""What a person reads after each look."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.rounds import Rounds
from experiments.ablation import Overrides
from experiments.ablations import load
from experiments.planning.plan import plan
from experiments.planning.rounds import next_round
from experiments.terminal.rounds import joined, look_line, plan_line, why_stopped

ROUNDS = Rounds((4, 6, 8))
JOBS = plan(load("mnist_basics"), "smoke", Overrides(), out=Path("runs"), rounds=ROUNDS)
NAMES = list(dict.fromkeys(job.variant for job in JOBS))
SECOND = next_round(JOBS, ROUNDS, dict.fromkeys(NAMES, range(4)), NAMES[1:3], NAMES[0])


def test_the_plan_says_looks_and_runs():
    assert plan_line(ROUNDS, 5) == (
        "seeds are added in rounds to the variants whose claims are undecided: looks after 4, 6 and 8 seeds; "
        "20 runs in the first round, at most 40 in all"
    )


def test_before_the_first_look_and_after_one():
    assert look_line(None, {}, SECOND, "LeNet").startswith("Next: 6 seeds of LeNet and 2 undecided variants, 6 runs")
    words = {"a": "worse", "b": "undecided", "c": "not run"}
    assert look_line(4, words, SECOND, "LeNet") == (
        "After 4 seeds: a worse; undecided: b, c. Next: 6 seeds of LeNet and 2 undecided variants, 6 runs more."
    )
    assert look_line(8, {"a": "worse"}, None, "LeNet", "every claim is decided") == (
        "After 8 seeds: a worse. Stopped: every claim is decided."
    )
    with pytest.raises(ValueError, match="stops for a reason"):
        look_line(8, {"a": "worse"}, None, "LeNet")


def test_why_it_stopped():
    assert why_stopped({"a": "worse", "b": "equivalent"}, None, ROUNDS, 0.0, 4.0) == "every claim is decided"
    assert why_stopped({"a": "undecided"}, None, ROUNDS, 0.0, 4.0) == "8 seeds are the most that --max-seeds allows"
    said = why_stopped({"a": "undecided"}, SECOND, ROUNDS, 7200.0, 1.5)
    assert said.startswith("the next round, 6 runs, would take about 2.0 hours and so pass --max-hours 1.5;")


def test_numbers_in_a_sentence():
    assert (joined([4]), joined([4, 6]), joined([4, 6, 8])) == ("4", "4 and 6", "4, 6 and 8")
