"""The page of --status: counts, hours, and a row for each run that someone may ask about."""

from pathlib import Path

from rich.console import Console

from experiments.execution.standing import Standing
from experiments.execution.state import State
from experiments.planning.plan_file import Planned
from experiments.terminal import status

NOW = 1_800_000_000.0


def at(seed, kind, **fields):
    planned = Planned(f"original-s{seed}", "original", f"original/seed{seed}", 10, 1.0)
    return Standing(planned, kind, State(**fields), holder="process 7 on node3" if kind == "running" else "")


def text_of(found, capsys):
    Console(width=110).print(status.page(Path("runs/resnet_preact"), "smoke", found, NOW))
    return capsys.readouterr().out


def test_counts_hours_and_reasons(capsys):
    hour = 3600.0
    found = [
        at(0, "done", epoch=10, train_s=10 * hour, outcome="finished"),
        at(1, "running", epoch=4, train_s=4 * hour, since=NOW, updated=NOW, row={"test/error": 12.345}),
        at(2, "failed", epoch=1, train_s=hour, error="disk full [/data]"),
        at(3, "waiting"),
        at(4, "waiting", epoch=2, train_s=2 * hour, since=NOW - 50, updated=NOW - 20, host="node9"),
    ]
    lines = text_of(found, capsys).splitlines()
    assert lines[0] == "resnet_preact, smoke: 1 of 5 runs done, 1 running, 1 failed, 2 waiting"
    assert lines[1].startswith("17 hours of training so far, about 33 hours to go")  # 6 + 9 + 10 + 8
    running = next(line for line in lines if line.startswith("original-s1"))
    assert "process 7 on node3" in running
    assert "4 of 10" in running
    assert status.clock(NOW + 6 * hour, NOW) in running
    assert "disk full [/data]" in next(line for line in lines if line.startswith("original-s2"))
    assert "node9" in next(line for line in lines if line.startswith("original-s4"))
    assert not any(line.startswith(("original-s0", "original-s3")) for line in lines)


def test_a_long_list_is_cut(capsys):
    text = text_of([at(k, "failed", error="planted") for k in range(status.MOST_ROWS + 5)], capsys)
    assert "and 5 more" in text
