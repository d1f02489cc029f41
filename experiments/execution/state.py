"""state.json in a run's folder: where the run stands, for whoever watches from any host. Does not import PyTorch."""

from __future__ import annotations

import json
import platform
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from analysis.schema import SIGNAL

NAME = "state.json"


@dataclass(frozen=True)
class State:
    """What the process that holds the run's lock wrote last; the run itself never reads it.

    since: start of that process's work on the run, updated: when this was written, both in seconds since 1970.
    epoch: finished epochs. train_s: seconds that they took, earlier processes included. row: the last epoch's, as
    logged, without signals. outcome: finished, diverged, or None. error: what stopped the run, one line.
    """

    host: str = ""
    since: float = 0.0
    updated: float = 0.0
    epoch: int = 0
    train_s: float = 0.0
    row: Mapping[str, Any] | None = None
    outcome: str | None = None
    error: str | None = None


def read(folder: Path) -> State:
    """The state as it was written last; an empty one where there is none, or none that can be read."""
    try:
        return State(**json.loads((folder / NAME).read_text()))
    except (OSError, ValueError, TypeError):
        return State()


def write(folder: Path, state: State) -> None:
    """Replace the file; a reader sees the old one or the new one. Raises OSError."""
    aside = folder / f"{NAME}.{secrets.token_hex(4)}.tmp"
    aside.write_text(json.dumps(asdict(replace(state, updated=time.time()))) + "\n")
    aside.replace(folder / NAME)


def begin(folder: Path) -> State:
    """Say that this process works on the run. What earlier processes have done stays, what stopped them does not."""
    state = replace(read(folder), host=platform.node(), since=time.time(), outcome=None, error=None)
    write(folder, state)
    return state


def log(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Say which epochs are over; `rows` has one row for each."""
    write(folder, _after(read(folder), rows))


def end(folder: Path, rows: Sequence[Mapping[str, Any]], outcome: str) -> None:
    """Say that the run is over."""
    write(folder, replace(_after(read(folder), rows), outcome=outcome))


def _after(state: State, rows: Sequence[Mapping[str, Any]]) -> State:
    spent = sum(row["time/epoch_s"] for row in rows)
    shown = {name: value for name, value in rows[-1].items() if not name.startswith(SIGNAL)}
    return replace(state, epoch=int(rows[-1]["epoch"]), train_s=spent, row=shown)


def fail(folder: Path, error: str) -> None:
    """Say what stopped the run: the last line of `error`, which may be a traceback."""
    write(folder, replace(read(folder), error=error.strip().splitlines()[-1]))


def retry(folder: Path) -> None:
    """Forget what stopped the run, because it is about to be started again."""
    if (state := read(folder)).error is not None:
        write(folder, replace(state, error=None))
