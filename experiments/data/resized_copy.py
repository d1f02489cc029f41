"""A copy of an image folder at the size that a recipe trains on: quicker to read, and an image folder like any other.

Every image becomes the square that a run would make of it, as a JPEG file. That is another data set, though nearly the
same: runs on it have ids of their own.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.data.read_ahead import answers, pieces
from experiments.data.read_image import resized_and_cropped, to_rgb
from experiments.dataset_info import DataError
from experiments.own_images import folder
from experiments.own_images.picture import opened, sampled

QUALITY = 95
SUMS, MADE = "sums.sha256", "made.json"
SPARE = 1.1  # of the disk space estimated from a sample
SAMPLE = 200


@dataclass(frozen=True)
class Copies:
    """names: of the files in the folder `target`; sources: the images they are made of. side: in pixels."""

    target: str
    names: tuple[str, ...]
    sources: tuple[str, ...]
    side: int


@dataclass(frozen=True)
class Estimate:
    images: int
    done: int
    bytes_needed: int
    bytes_free: int


def plan(source: Path, target: Path, side: int, split: float | None) -> Copies:
    """What is to be copied where. Raises DataError for a folder that cannot be used, or holds another copy."""
    found = folder.listing(str(source), split)
    parts = {"": found.train} if found.test is None else {"train": found.train, "val": found.test}
    names, sources = [], []
    for part, classes in parts.items():
        for label, files in classes.items():
            root = os.path.commonpath([os.path.dirname(file.path) for file in files]) if files else ""
            for file in files:
                name = os.path.join(part, label, os.path.relpath(file.path, root))
                names.append(name if name.lower().endswith((".jpg", ".jpeg")) else f"{name}.jpg")
                sources.append(file.path)
    made = {"source": str(source.resolve()), "side": side, "quality": QUALITY, "format": "JPEG, 4:2:0"}
    _claim(target, made)
    return Copies(str(target), tuple(names), tuple(sources), side)


def _claim(target: Path, made: dict[str, Any]) -> None:
    """Make the folder of the copy, or find the same one begun."""
    file = target / MADE
    try:
        if file.exists():
            if json.loads(file.read_text()) != made:
                raise DataError(f"{target} holds another copy ({file}); choose another folder with --to")
            return
        if target.exists() and any(target.iterdir()):
            raise DataError(f"{target} is not empty; choose another folder with --to")
        target.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(made, indent=1) + "\n")
    except (OSError, ValueError) as error:
        raise DataError(f"{target} cannot be used: {error}") from error


def estimate(copies: Copies) -> Estimate:
    """Disk space for the rest of the copy, from a sample of the images. Raises DataError if there is not so much."""
    done = len(sums_in(Path(copies.target)))
    indices = list(sampled(len(copies.sources)))[:: max(1, len(sampled(len(copies.sources))) // SAMPLE)]
    mean = sum(len(_jpeg(copies, k)) for k in indices) / len(indices)
    need = int(SPARE * mean * (len(copies.names) - done))
    free = shutil.disk_usage(copies.target).free
    if need > free:
        raise DataError(
            f"{copies.target}: {len(copies.names) - done:,} images need about {need / 2**30:.1f} GiB, and "
            f"{free / 2**30:.1f} GiB are free; choose another folder with --to or a smaller --side"
        )
    return Estimate(len(copies.names), done, need, free)


def make(copies: Copies, workers: int) -> int:
    """Write what is not there yet, with a progress bar; how many files that were. Raises DataError for a bad image.

    Every file is written under another name and moved into place, and then its sum is recorded: killed at any time, the
    same command continues. Files that are there already are compared with their sums.
    """
    from rich.console import Console
    from rich.progress import Progress

    console, target = Console(stderr=True), Path(copies.target)
    known = sums_in(target)
    wanted = list(range(len(copies.names)))
    written = 0
    bar = Progress(console=console, transient=True, disable=not console.is_terminal)
    with bar, (target / SUMS).open("a") as log:
        line = bar.add_task(f"writing {target}", total=len(wanted))
        checked = _Checked(copies, known)
        for part in answers(checked, pieces(wanted), workers, answer=_copied):
            for name, digest, is_new in part:
                if is_new:
                    log.write(f"{digest}  {name}\n")
                    written += 1
            log.flush()
            bar.advance(line, len(part))
    return written


@dataclass(frozen=True)
class _Checked:
    copies: Copies
    known: dict[str, str]


def _copied(work: _Checked, indices: Sequence[int]) -> list[tuple[str, str, bool]]:
    """(name, sum, whether it was written now) of each."""
    found = []
    for index in indices:
        name = work.copies.names[index]
        path = Path(work.copies.target) / name
        if (digest := work.known.get(name)) is not None and path.is_file() and sum_of(path) == digest:
            found.append((name, digest, False))
            continue
        content = _jpeg(work.copies, index)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            part.write_bytes(content)
            os.replace(part, path)
        except OSError as error:
            reason = f"{path} cannot be written: {error.strerror}"
            raise DataError(f"{reason}; free space and run the command again") from None
        finally:
            part.unlink(missing_ok=True)
        found.append((name, hashlib.sha256(content).hexdigest(), True))
    return found


def _jpeg(copies: Copies, index: int) -> bytes:
    """The square of an image, as `read_image` makes it."""
    with opened(copies.sources[index]) as image:
        square = resized_and_cropped(to_rgb(image), copies.side)
    buffer = io.BytesIO()
    square.save(buffer, "JPEG", quality=QUALITY, subsampling="4:2:0")
    return buffer.getvalue()


def sums_in(target: Path) -> dict[str, str]:
    """{name: SHA-256} of the files of a copy, as `sha256sum -c sums.sha256` reads them; of a name the newest."""
    try:
        lines = (target / SUMS).read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines) if name}


def sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
