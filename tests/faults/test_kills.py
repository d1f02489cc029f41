"""Killed at random moments and started again, a study ends as the unbroken one, bit for bit, and leaves no process.

All of it: `pytest -m slow tests/faults -s` prints what was tried and what became of it.
"""

import itertools
import random

import pytest

from tests.faults.study import SIGNALS, TARGETS, harass, unbroken

EVERY = list(itertools.product(SIGNALS, TARGETS))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return unbroken(tmp_path_factory.mktemp("faults") / "unbroken")


def check(tally, kills):
    assert sum(tally.kills.values()) == kills
    assert tally.differences == []
    assert tally.left_behind == []
    assert tally.statuses == []
    assert tally.tracebacks == []


def test_three_kills(whole, tmp_path):
    expected, takes_s = whole
    kinds = [("SIGKILL", "the command"), ("SIGTERM", "all processes"), ("SIGINT", "the command")]
    check(harass(tmp_path, expected, takes_s / 2, kinds, random.Random(1)), 3)


@pytest.mark.slow
def test_fifty_kills(whole, tmp_path, capsys):
    kinds = [EVERY[k % len(EVERY)] for k in range(50)]
    with capsys.disabled():
        tally = harass(tmp_path, *whole, kinds, random.Random(0), say=print)
        print(tally.report())
    check(tally, 50)
