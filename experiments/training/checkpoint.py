"""Checkpoints that are whole or absent: written aside, checksummed, moved into place."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import torch

NAME = "checkpoint.pt"


class CheckpointError(Exception):
    """A checkpoint cannot be read or does not belong to this run: one line that says which and what to do."""


def save(folder: Path, state: dict[str, Any]) -> None:
    """Write `state` to folder/checkpoint.pt: its SHA-256, then the bytes of torch.save. Atomic on one file system."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    aside = folder / f"{NAME}.tmp"
    with aside.open("wb") as file:
        file.write(hashlib.sha256(content).digest() + content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(folder / NAME)


def load(folder: Path, run_id: str) -> dict[str, Any] | None:
    """The state last saved, or None where there is none. Raises CheckpointError for a damaged or foreign file."""
    path = folder / NAME
    if not path.exists():
        return None
    raw = path.read_bytes()
    remedy = "delete it to train this run from its start"
    if hashlib.sha256(raw[32:]).digest() != raw[:32]:
        raise CheckpointError(f"{path} is damaged (its checksum does not fit); {remedy}")
    state = torch.load(io.BytesIO(raw[32:]), map_location="cpu", weights_only=True)
    if state["run_id"] != run_id:
        raise CheckpointError(f"{path} belongs to run {state['run_id']}, not to {run_id}; {remedy}")
    return state
