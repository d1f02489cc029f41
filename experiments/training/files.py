"""Files that are whole or absent, and which disk refuses them."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path


def write_aside(path: Path, content: bytes) -> Path:
    """A new file beside `path`, on the disk, to be moved to its place; its name is its own. None stays on an error."""
    aside = path.with_name(f"{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with aside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return aside


def remove_leftovers(folder: Path) -> None:
    """Delete what a killed process was still writing. Only for the process that holds the folder's lock."""
    for path in folder.glob("*.tmp"):
        path.unlink(missing_ok=True)


def refusal(path: Path, error: OSError) -> str:
    """In one line: which file cannot be written, why, and on which disk with how much room."""
    return f"cannot write {path}: {error.strerror or error}{_disk(path.parent)}"


def _disk(folder: Path) -> str:
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return ""
    place = folder.resolve()
    while not place.is_mount():
        place = place.parent
    return f" (the disk at {place} has {usage.free / 1e6:,.0f} MB free of {usage.total / 1e6:,.0f} MB)"
