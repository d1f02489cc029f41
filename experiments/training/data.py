"""Data sets as in-memory tensors, checked by SHA-256 whichever way they came.

Sources in turn: the cache (one file a data set), the official download through torchvision, a mirror. CIFAR-100's sums
are recorded by nobody: torchvision checks the official MD5, and the cache carries the sums it was written with.
`imagefolder:PATH` is read anew each time and has no sums.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

import numpy as np
import torch

from experiments.datasets import DATASETS, DataError, DatasetInfo, Sums, info_of
from experiments.training import data_sources
from experiments.training.data_formats import Arrays
from experiments.training.image_folder import read_image_folder

__all__ = ["DATASETS", "DataError", "Dataset", "Split", "cache_file", "default_root", "fetch", "load", "sums_of"]

IMAGE_FOLDER = "imagefolder:"
# Sources that are part of an installed library: no download, and a cache only where it can be written.
BUNDLED = ("sklearn",)
ARRAY_NAMES = tuple(field.name for field in fields(Sums))


@dataclass(frozen=True)
class Split:
    """images: uint8 (N, C, H, W); labels: int64 (N,)."""

    images: torch.Tensor
    labels: torch.Tensor


@dataclass(frozen=True)
class Dataset:
    """A data set in memory."""

    name: str
    train: Split
    test: Split
    classes: int


def default_root() -> Path:
    """The cache folder: $ABLATION_DATA, else convnet-ablations/data in $XDG_CACHE_HOME or ~/.cache."""
    if chosen := os.environ.get("ABLATION_DATA"):
        return Path(chosen).expanduser()
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "convnet-ablations" / "data"


def cache_file(name: str, root: Path) -> Path:
    """The file of a data set in the cache."""
    return root / f"{name}.pt"


def load(
    name: str,
    root: Path | None = None,
    *,
    train_images: int | None = None,
    download: bool = True,
    image_size: int = 224,
) -> Dataset:
    """A data set by name (or `imagefolder:PATH`), from the cache in `root` or else from its sources.

    train_images: a class-balanced subset of the training images, see `balanced_indices`; the test set stays whole.
    image_size: side in pixels of the square images of an image folder.
    Raises DataError: unknown name, corrupt cache, no source, folder not writable, images too large for the memory.
    """
    if name.startswith(IMAGE_FOLDER):
        arrays, classes = read_image_folder(Path(name.removeprefix(IMAGE_FOLDER)).expanduser(), image_size)
    else:
        info = info_of(name)
        root = root or default_root()
        classes = info.classes
        arrays = _read_cache(info, root) if cache_file(name, root).exists() else _fetch(info, root, download)

    train, test = (
        Split(torch.from_numpy(images), torch.from_numpy(labels).long())
        for images, labels in (
            (arrays.train_images, arrays.train_labels),
            (arrays.test_images, arrays.test_labels),
        )
    )
    if train_images is not None:
        kept = balanced_indices(train.labels, train_images, classes)
        train = Split(train.images[kept], train.labels[kept])
    return Dataset(name, train, test, classes)


def fetch(name: str, root: Path | None = None, *, force: bool = False) -> Path:
    """Put a data set in the cache and return its file; `force` fetches it again and replaces the file when it is here."""
    info = info_of(name)
    root = root or default_root()
    path = cache_file(name, root)
    if force or not path.exists():
        _prepare(root)
        _fetch(info, root, download=True)
    return path


def sums_of(arrays: Arrays) -> Sums:
    """SHA-256 of the four arrays as unsigned bytes, C order."""
    return Sums(*(hashlib.sha256(np.ascontiguousarray(array)).hexdigest() for array in _four(arrays)))


def balanced_indices(labels: torch.Tensor, count: int, classes: int) -> torch.Tensor:
    """The first count/classes indices of each class, in the original order; the first classes take the remainder.

    All indices where `count` is the number of labels.
    """
    if not 1 <= count <= len(labels):
        raise DataError(f"train_images must be between 1 and {len(labels)}, got {count}")
    if count == len(labels):
        return torch.arange(count)
    chosen = []
    for k in range(classes):
        share = count // classes + (k < count % classes)
        members = torch.nonzero(labels == k).flatten()
        if len(members) < share:
            raise DataError(
                f"train_images={count} needs {share} images of class {k}, which has {len(members)}; "
                f"take at most {int(torch.bincount(labels, minlength=classes).min()) * classes}"
            )
        chosen.append(members[:share])
    return torch.cat(chosen).sort().values


def _four(arrays: Arrays) -> tuple[np.ndarray, ...]:
    return tuple(getattr(arrays, name) for name in ARRAY_NAMES)


def _difference(arrays: Arrays, info: DatasetInfo, expected: Sums | None) -> str | None:
    """What is wrong with the arrays of a data set, in words; None where they are right."""
    shapes = (
        (info.train_images, *info.shape),
        (info.train_images,),
        (info.test_images, *info.shape),
        (info.test_images,),
    )
    for name, array, shape in zip(ARRAY_NAMES, _four(arrays), shapes, strict=True):
        if array.shape != shape or array.dtype != np.uint8:
            return f"{name} is {array.dtype} {array.shape}, not uint8 {shape}"
    if expected is not None:
        for name, right, got in zip(ARRAY_NAMES, astuple(expected), astuple(sums_of(arrays)), strict=True):
            if got != right:
                return f"{name} has SHA-256 {got[:12]}…, not {right[:12]}…"
    return None


def _read_cache(info: DatasetInfo, root: Path) -> Arrays:
    path = cache_file(info.name, root)
    try:
        stored = torch.load(path, weights_only=True)
        arrays = Arrays(**{name: stored[name].numpy() for name in ARRAY_NAMES})
        wrong = _difference(arrays, info, info.sums or Sums(**stored["sums"]))
    except Exception as error:  # a damaged archive makes torch.load raise nearly anything
        wrong = f"cannot be read ({data_sources.one_line(error)})"
    if wrong is not None:
        raise DataError(f"{path}: {wrong}; delete the file or run `{_command(info, root)} --force`")
    return arrays


def _command(info: DatasetInfo, root: Path) -> str:
    """The command that fetches a data set into `root`."""
    return f"python scripts/fetch_data.py {info.name}" + ("" if root == default_root() else f" --data-dir {root}")
