"""What one process wrote about a run, wherever it is read from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analysis.logs.columns import Columns, columns, frame


class LogsError(ValueError):
    """Logs that cannot be read; the message is one line for the user."""


@dataclass
class Fragment:
    """A run, or the part of it between a start and the next interruption.

    `config` and `summary` are flat with dotted keys. `epochs` has one row a log call that names an epoch.
    `exit_code` is None while the run goes on, and for good if it was killed.
    """

    run_id: str
    source: str
    project: str = ""
    group: str = ""
    job_type: str = ""
    name: str = ""
    tags: list[str] = field(default_factory=list)
    started: pd.Timestamp | None = None
    exit_code: int | None = None
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    epochs: Columns = field(default_factory=lambda: columns([]))
    damage: list[str] = field(default_factory=list)

    @property
    def history(self) -> pd.DataFrame:
        """`epochs` as a frame, in the order of the log calls."""
        return frame([self.epochs])


def leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """`{"a": {"b": 1}}` under key "n" gives ("n.a.b", 1). Lists and empty mappings are leaves."""
    if isinstance(value, dict) and value:
        for inner, item in value.items():
            yield from leaves(f"{key}.{inner}", item)
    else:
        yield key, value


def flatten(tree: dict[str, Any]) -> dict[str, Any]:
    """A nested mapping as a flat one with dotted keys, without W&B's own keys (`_step`, `_wandb`, ...)."""
    return {key: value for top, branch in tree.items() if not top.startswith("_") for key, value in leaves(top, branch)}
