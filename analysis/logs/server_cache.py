"""The rows of runs on a server that have ended, kept on this machine: a server takes three requests for each run."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import platformdirs

Rows = list[dict[str, Any]]


def folder() -> Path:
    """$ABLATION_SERVER_CACHE, or convnet-ablations/server in the user's cache folder (Linux: ~/.cache)."""
    if chosen := os.environ.get("ABLATION_SERVER_CACHE"):
        return Path(chosen)
    return platformdirs.user_cache_path("convnet-ablations", appauthor=False) / "server"


def rows_of(identity: tuple[Any, ...], stated: int | None, read: Callable[[], Iterable[Any]]) -> Rows:
    """The rows as `read` gives them; those of a run that has ended are read once.

    identity: what tells the run and its state from every other: address, state, number of rows, start. stated: the
    number of rows that the server says an ended run has, None for a run that has not ended; fewer rows are not kept.
    A cache that is damaged or cannot be written is no reason to stop.
    """
    if stated is None:
        return list(map(dict, read()))
    path = folder() / f"{hashlib.sha256(json.dumps(identity, default=str).encode()).hexdigest()}.json.gz"
    with contextlib.suppress(OSError, ValueError, EOFError):
        return json.loads(gzip.decompress(path.read_bytes()))
    rows = list(map(dict, read()))
    if len(rows) < stated:
        return rows
    with contextlib.suppress(OSError):
        _write(path, gzip.compress(json.dumps(rows).encode(), 1))
    return rows


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.replace(draft, path)
