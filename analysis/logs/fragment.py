"""What one process wrote about a run, wherever it is read from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analysis.logs.columns import Columns, columns, frame, shown

MOST_DEPTH = 50  # of a nested value; W&B's own clients write a handful
MOST_TEXT = 100_000  # characters of one text
MOST_KEYS = 10_000  # of one config or summary


class LogsError(ValueError):
    """Logs that cannot be read; the message is one line for the user."""


@dataclass
class Fragment:
    """A run, or the part of it between a start and the next interruption.

    `config` and `summary` are flat with dotted keys. `epochs` has one row per log call. `exit_code` is None while the
    run is in progress, and stays None if it was killed. described: the log says which run it is of; else `run_id` is a
    guess and the rest is empty.
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
    described: bool = True
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    epochs: Columns = field(default_factory=lambda: columns([]))
    damage: list[str] = field(default_factory=list)

    @property
    def history(self) -> pd.DataFrame:
        """`epochs` as a frame, in the order of the log calls."""
        return frame([self.epochs])


def leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """`{"a": {"b": 1}}` under key "n" gives ("n.a.b", 1). Lists and empty mappings are leaves.

    Raises ValueError for a value that is nested too deep.
    """
    check_depth(value)
    stack = [(key, value)]
    while stack:
        path, item = stack.pop()
        if isinstance(item, dict) and item:
            stack += [(f"{path}.{inner}", branch) for inner, branch in reversed(item.items())]
        else:
            yield readable(path), readable(item)


def flatten(tree: dict[str, Any], damage: list[str] | None = None) -> dict[str, Any]:
    """A nested mapping as a flat one with dotted keys, without W&B's own keys (`_step`, `_wandb`, ...).

    What cannot be flattened is left out and named in `damage`.
    """
    flat: dict[str, Any] = {}
    for top, branch in tree.items():
        if not top.startswith("_"):
            try:
                flat.update(leaves(top, branch))
            except ValueError as error:
                if damage is not None:
                    damage.append(f"the value of {shown(top)} is left out: {error}")
    return flat


def check_depth(value: Any) -> None:
    """Raise ValueError for lists and mappings that are nested deeper than MOST_DEPTH."""
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [item for part in level for item in _within(part)]
        if not level:
            return
    raise ValueError(f"nested deeper than {MOST_DEPTH} levels")


def readable(value: Any) -> Any:
    """A leaf whose texts can be written in UTF-8 and are of bounded length."""
    if isinstance(value, str):
        return value[:MOST_TEXT].encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [readable(item) for item in value]
    return {readable(key): readable(item) for key, item in value.items()} if isinstance(value, dict) else value


def _within(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
