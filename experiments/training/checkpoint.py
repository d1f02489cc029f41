"""Checkpoints that are whole or absent, with their SHA-256 beside them; the one before the last is kept.

`torch.load("checkpoint.pt", weights_only=True)` reads one; `sha256sum -c checkpoint.pt.sha256` checks it.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from experiments.training.files import refusal, write_aside

NAME, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"
FORMAT = 2  # 1: the SHA-256 in the file's first 32 bytes, and the EMA under "average"
KEYS = ("run_id", "rows", "outcome", "net", "optimiser")
REMEDY = "delete it to train this run from its start"
Tell = Callable[[str], None]


class CheckpointError(Exception):
    """A checkpoint cannot be read, written or used for this run: one line that says which and what to do."""


def save(folder: Path, state: dict[str, Any]) -> None:
    """Write `state` to folder/checkpoint.pt and keep the file that was there as checkpoint.previous.pt.

    Every file is written under another name and moved into place. Whenever the process is killed, one of the two
    files is whole and its sum is known. Raises CheckpointError where the disk does not take it: nothing is lost then.
    """
    buffer = io.BytesIO()
    torch.save({**state, "format": FORMAT}, buffer)
    content = buffer.getvalue()
    path, asides = folder / NAME, []
    try:
        asides.append(write_aside(path, content))
        asides.append(write_aside(path, f"{hashlib.sha256(content).hexdigest()}  {NAME}\n".encode()))
        for last in (path, _sum_of(path)):
            if last.exists():
                last.replace(last.with_name(last.name.replace(NAME, PREVIOUS)))
        asides[1].replace(_sum_of(path))
        asides[0].replace(path)
    except OSError as error:
        raise CheckpointError(f"{refusal(path, error)}; {_resume(folder)}") from error
    finally:
        for aside in asides:
            aside.unlink(missing_ok=True)


def load(folder: Path, run_id: str, tell: Tell = lambda line: None) -> dict[str, Any] | None:
    """The last whole state, or None where there is none.

    A damaged file is renamed to checkpoint.damaged-N.pt, `tell` gets one line about it, and the checkpoint before it
    is used. Raises CheckpointError for a file of another run or of a newer version of this program.
    """
    for path in (folder / NAME, folder / PREVIOUS):
        if path.exists():
            state = _read(path, _sums(folder))
            if state is not None:
                return _checked(state, path, run_id)
            kept = _set_aside(path)
            other = (
                "the checkpoint before it is used"
                if (folder / PREVIOUS).exists()
                else "the run is trained from its start"
            )
            tell(f"{path} is damaged (its checksum does not match): renamed to {kept.name}; {other}")
    return None


def _read(path: Path, sums: set[str]) -> dict[str, Any] | None:
    """The state in a file, under today's names; None if it is damaged. Raises CheckpointError if it cannot be read."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
    first_format = hashlib.sha256(raw[32:]).digest() == raw[:32]
    if not first_format and hashlib.sha256(raw).hexdigest() not in sums:
        return None
    try:
        state = torch.load(io.BytesIO(raw[32:] if first_format else raw), map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise CheckpointError(f"{path} is not a checkpoint ({str(error).splitlines()[0]}); {REMEDY}") from None
    if first_format and "average" in state:
        state["ema"] = state.pop("average")
    return state


def _checked(state: Any, path: Path, run_id: str) -> dict[str, Any]:
    if isinstance(state, dict) and state.get("format", 1) not in (1, FORMAT):
        raise CheckpointError(
            f"{path} has format {state['format']}; this version of the program reads 1 and {FORMAT}; "
            f"use the version that wrote it, or {REMEDY}"
        )
    if missing := [key for key in KEYS if not isinstance(state, dict) or key not in state]:
        raise CheckpointError(f"{path} has no {missing[0]!r}; {REMEDY}")
    if state["run_id"] != run_id:
        raise CheckpointError(f"{path} belongs to run {state['run_id']}, not to {run_id}; {REMEDY}")
    return state


def _sum_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _sums(folder: Path) -> set[str]:
    """The sums of both files. A kill during `save` can leave a file beside the other one's sum: either is accepted."""
    paths = [_sum_of(folder / name) for name in (NAME, PREVIOUS)]
    return {line.split()[0] for p in paths if p.exists() for line in p.read_text(errors="replace").splitlines() if line}


def _set_aside(path: Path) -> Path:
    number = 1
    while (kept := path.with_name(f"checkpoint.damaged-{number}.pt")).exists():
        number += 1
    return path.replace(kept)


def _resume(folder: Path) -> str:
    if not folder.exists():
        return "its folder is gone; run the same command again to train this run from its start"
    return "mend that and run the same command again to resume from the last checkpoint"
