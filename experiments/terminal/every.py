"""Every ablation in turn, and one table of how each ended."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from experiments.terminal.duration import duration

STATUS = {0: "done", 1: "failed", 2: "refused"}


def run_each(
    console: Console, names: Sequence[str], run: Callable[[str], tuple[int, str]], table_of: Callable[[str], Path]
) -> int:
    """Run the named ablations and return the gravest exit status: 1 (failed) before 2 (refused) before 0.

    run: exit status and a short summary of one ablation; an exception does not stop the others.
    table_of: where an ablation's table is written.
    """
    table = Table("ablation", "ended", "runs", "time", box=None, header_style="dim", pad_edge=False)
    table.add_column("table", overflow="fold")
    statuses = []
    for name in names:
        started = time.monotonic()
        console.rule(name)
        try:
            status, summary = run(name)
        except Exception as error:
            traceback.print_exc()
            status, summary = 1, f"{type(error).__name__}: {error}"
        statuses.append(status)
        path = table_of(name)
        took = duration(time.monotonic() - started)
        table.add_row(name, STATUS[status], summary, took, str(path) if path.exists() else "")
    console.rule()
    console.print(table)
    return max(statuses, key=lambda status: (status == 1, status))
