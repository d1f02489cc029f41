"""One look at every image of a streamed data set before training: bad ones are named, pixels are summed.

The sums are kept in the cache folder, under the digest of the images, so that the look is taken once per data set.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections.abc import Sequence
from pathlib import Path

import torch

from experiments.data.contents import contents, digest
from experiments.data.moments import Summed, summed
from experiments.data.pictures import Pictures
from experiments.data.read_ahead import answers, pieces, stacked
from experiments.spec import DataSpec

FOLDER = "moments"


def survey(spec: DataSpec, root: Path, train: Pictures, test: Pictures, workers: int) -> Summed:
    """The sums over the training images, from the cache folder `root` if they are there. Raises DataError."""
    file = root / FOLDER / f"{_key(spec)}.pt"
    if (found := _read(file)) is not None:
        return found
    sums = looked_at(train, test, workers, spec.name)
    with contextlib.suppress(OSError):  # the next run takes the look again
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{file.name}.{uuid.uuid4().hex}.part")
        try:
            torch.save(vars(sums), part)
            os.replace(part, file)
        finally:
            part.unlink(missing_ok=True)
    return sums


def looked_at(train: Pictures, test: Pictures, workers: int, name: str) -> Summed:
    """The sums over the training images; every image is decoded, with a progress bar. DataError for a bad one."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    channels, height, width = train.shape
    sums = Summed(0, torch.zeros(channels, height, width, dtype=torch.int64), torch.zeros(channels, channels).long())
    total = len(train.labels) + len(test.labels)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        line = bar.add_task(f"looking at every image of {name} once", total=total)
        for pictures, answer in ((train, _sums), (test, _nothing)):
            every = list(range(len(pictures.labels)))
            for part, found in zip(
                pieces(every), answers(pictures, pieces(every), workers, answer=answer), strict=True
            ):
                sums = sums + found if answer is _sums else sums
                bar.advance(line, len(part))
    return sums


def _sums(pictures: Pictures, indices: Sequence[int]) -> Summed:
    return summed(stacked(pictures, indices))


def _nothing(pictures: Pictures, indices: Sequence[int]) -> None:
    stacked(pictures, indices)


def _key(spec: DataSpec) -> str:
    """Of these images at this size: a digest of their contents and of what the spec makes of them."""
    parts = (digest(contents(spec) or {}), spec.train_images, spec.shape, spec.split)
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def _read(file: Path) -> Summed | None:
    """None where there is no such file, or a damaged one."""
    try:
        return Summed(**torch.load(file, weights_only=True))
    except Exception:  # torch.load raises nearly anything for a damaged file
        return None
