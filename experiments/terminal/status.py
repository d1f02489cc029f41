"""Where a study stands: done, running, failed and waiting runs, hours so far and to go; once, or kept on screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from experiments import ablations
from experiments.execution.standing import Standing, epoch_timer, left_s, standings, summary_of
from experiments.planning import plan_file
from experiments.planning.plan_file import Planned
from experiments.terminal.duration import duration

MOST_ROWS = 40  # of one table: a study may have hundreds of runs in progress
EVERY_S = 10.0
Studies = Mapping[Path, Mapping[str, Sequence[Planned]]]  # by the study's folder, then by the plan's name


def look(console: Console, out: Path, name: str | None, profile: str | None, watch: bool) -> bool:
    """Print where the plans stand that were started in `out`, of one ablation or of all; False if none was started.

    watch: again every EVERY_S seconds until no run is left, or until Ctrl-C. Raises SpecError.
    """
    names = ablations.names() if name is None else [ablations.load(name).name]
    found = {out / name: plan_file.read(out / name, profile) for name in names}
    started = {study: plans for study, plans in found.items() if plans}
    if not (started and watch and console.is_terminal):
        print_status(console, started)
        return bool(started)
    with Live(console=console, auto_refresh=False) as live:
        while True:
            pages, left = _pages(started)
            live.update(Group(*pages), refresh=True)
            if not left:
                return True
            time.sleep(EVERY_S)


def print_status(console: Console, studies: Studies) -> None:
    """A paragraph and its tables per plan."""
    for part in _pages(studies)[0]:
        console.print(part)


def _pages(studies: Studies) -> tuple[list[RenderableType], int]:
    """Also how many runs are running or waiting."""
    pages: list[RenderableType] = []
    left = 0
    for study, plans in studies.items():
        for name, runs in plans.items():
            found = standings(study, runs)
            pages.append(page(study, name, found, time.time()))
            left += sum(each.kind in ("running", "waiting") for each in found)
    return pages, left


def page(study: Path, plan: str, found: Sequence[Standing], now: float) -> RenderableType:
    """now: seconds since 1970."""
    summary = summary_of(found, now)
    of = {kind: [each for each in found if each.kind == kind] for kind in ("running", "failed", "waiting")}
    done, running = summary.counts["done"], summary.counts["running"]
    counts = f"{done:,} of {len(found):,} runs done, {running:,} running, "
    counts += f"{summary.counts['failed']:,} failed, {summary.counts['waiting']:,} waiting"
    parts: list[RenderableType] = [
        Text(f"{study.name}, {plan}: {counts}"),
        Text(_time(summary.spent_s, summary.left_s, running)),
    ]
    if of["running"]:
        parts.append(_running(of["running"], epoch_timer(found), now))
    if of["failed"]:
        parts.append(_failed(of["failed"]))
    if interrupted := [each for each in of["waiting"] if each.state.since]:
        parts.append(_interrupted(interrupted))
    return Group(*parts)


def _time(spent_s: float, left_s: float | None, running: int) -> str:
    so_far = f"{_hours(spent_s)} of training so far"
    if left_s is None:
        return f"{so_far}; how long the rest takes is known when the first epoch is over"
    if left_s == 0:
        return so_far
    alone = f"{so_far}, about {_hours(left_s)} to go"
    return f"{alone}: about {duration(left_s / running)} with {running} in parallel" if running else alone


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:,.0f} hours" if hours >= 10 else f"{hours:.1f} hours" if hours >= 0.1 else duration(seconds)


def _running(found: Sequence[Standing], epoch_s: Callable[[Standing], float | None], now: float) -> Table:
    table = _table("running", "where", "since", "epoch", "test error", "ends")
    for each in found[:MOST_ROWS]:
        left, error = left_s(each, epoch_s(each), now), (each.state.row or {}).get("test/error")
        table.add_row(
            each.planned.name,
            each.holder,
            clock(each.state.since, now),
            f"{each.state.epoch} of {each.planned.epochs}",
            "" if error is None else f"{error:.2f} %",
            "" if left is None else clock(now + left, now),
        )
    return _cut(table, found)


def _failed(found: Sequence[Standing]) -> Table:
    table = _table("failed", "why")
    for each in found[:MOST_ROWS]:
        table.add_row(each.planned.name, Text(each.state.error or ""))
    return _cut(table, found)


def _interrupted(found: Sequence[Standing]) -> Table:
    table = _table("interrupted", "where", "last sign of life", "epoch")
    for each in found[:MOST_ROWS]:
        when = clock(each.state.updated, time.time())
        table.add_row(each.planned.name, each.state.host, when, f"{each.state.epoch} of {each.planned.epochs}")
    return _cut(table, found)


def _table(*headings: str) -> Table:
    return Table(*headings, box=None, header_style="dim", pad_edge=False)


def _cut(table: Table, found: Sequence[Standing]) -> Table:
    if len(found) > MOST_ROWS:
        table.add_row(f"and {len(found) - MOST_ROWS:,} more")
    return table


def clock(when: float, now: float) -> str:
    """Hours and minutes of this host's time zone, with the date on another day than `now`."""
    moment, today = datetime.fromtimestamp(when), datetime.fromtimestamp(now).date()
    return moment.strftime("%H:%M" if moment.date() == today else "%Y-%m-%d %H:%M")
