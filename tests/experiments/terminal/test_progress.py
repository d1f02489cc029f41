"""What a person sees while runs train: progress and the time left from the second step of the first epoch on."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from experiments.execution.attempt import Ended
from experiments.planning.job import Job
from experiments.terminal.progress import Live


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def live(tiny, tmp_path, clock):
    """Two runs of one epoch of 100 steps; those of the second cost three times as much."""
    spec = replace(tiny, recipe=replace(tiny.recipe, iterations=100), data=replace(tiny.data, train_images=3200))
    jobs = [Job("a", v, "smoke", spec, {"multiply_adds": m}, tmp_path, None, "disabled")
            for v, m in (("cheap", 10), ("dear", 30))]  # fmt: skip
    screen = Console(width=80, file=io.StringIO(), force_terminal=True, color_system=None, get_time=lambda: clock[0])
    return Live(screen, jobs), jobs


def shown(live):
    console = Console(width=80, file=io.StringIO())
    console.print(live.progress)
    return console.file.getvalue().splitlines()


def test_the_time_left_is_there_before_the_first_epoch_ends(live, clock):
    """10 steps in 10 seconds: of 400 units of work 11 are done, and the other 389 take as many seconds."""
    live, (cheap, _) = live
    live.stepped(cheap, 1)
    clock[0] = 10.0
    live.stepped(cheap, 11)
    whole, run = shown(live)
    assert "0 of 2 runs" in whole
    assert "0:06:29 left" in whole
    assert "epoch 1 of 1" in run
    assert "0:01:29 left" in run


def test_a_step_of_a_dearer_net_is_more_work(live, clock):
    live, (_, dear) = live
    live.stepped(dear, 1)
    clock[0] = 10.0
    live.stepped(dear, 11)
    assert "0:02:03 left" in shown(live)[0]  # of 400 units 33 are done, 3 per second


def test_a_run_that_was_finished_before_is_no_speed(live, clock):
    live, (cheap, dear) = live
    live.stepped(dear, 1)
    clock[0] = 10.0
    live.end(Ended(cheap, "skipped"))
    live.stepped(dear, 11)
    clock[0] = 20.0
    live.stepped(dear, 21)
    assert "0:01:19 left" in shown(live)[0]
    assert "[1/2] cheap-s1 finished before" in live.console.file.getvalue()


def test_lines_fit_80_columns_with_every_number_whole(live):
    live, (cheap, dear) = live
    row = {"epoch": 1, "test/error": 65.28}
    live.row(cheap, row)
    live.row(dear, row)
    lines = shown(live)
    assert all(len(line) <= 80 and "…" not in line for line in lines)
    assert sum("epoch 1 of 1, error 65.28 %" in line for line in lines) == 2
