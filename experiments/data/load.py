"""Loading data sets into memory, with their SHA-256 sums checked whatever the source.

Sources are tried in this order: the cache (one file per data set), the official download through torchvision, a mirror.
CIFAR-100 has no recorded sums: torchvision checks the official MD5, and the cache file carries the sums of its own
contents. A user's own images are read at every load; `experiments.data.contents` notices that they have changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from experiments.data.cache import default_root, obtain
from experiments.data.own import read_own
from experiments.data.resize import check_memory, resized
from experiments.datasets import DATASETS, DataError, info_of, is_own
from experiments.spec import DataSpec

__all__ = [
    "DATASETS",
    "DataError",
    "Dataset",
    "Split",
    "balanced_indices",
    "default_root",
    "load",
    "load_for",
    "prepare",
]


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


def load(
    name: str,
    root: Path | None = None,
    *,
    train_images: int | None = None,
    download: bool = True,
    image_size: int | None = None,
    split: float | None = None,
) -> Dataset:
    """A data set by name, from the cache folder `root` or fetched from its sources; or the user's own images.

    train_images: size of a class-balanced subset of the training images, see `balanced_indices`; the test set is whole.
    image_size: side in pixels of the square images; None: as they are, and 224 for an image folder.
    split: share of each class to train on, for the user's own images that have no test set.
    Raises DataError: unknown name, corrupt cache, no source, folder not writable, images too large for the memory.
    """
    info = info_of(name, split)
    if is_own(name) or info.loader is not None:
        arrays = read_own(info, split, image_size)
    else:
        arrays = obtain(info, root or default_root(), download=download)
    classes = info.classes
    train = Split(torch.from_numpy(arrays.train_images), torch.from_numpy(arrays.train_labels).long())
    test = Split(torch.from_numpy(arrays.test_images), torch.from_numpy(arrays.test_labels).long())
    _check_labels(name, train.labels, test.labels, classes)
    if train_images is not None:
        kept = balanced_indices(train.labels, train_images, classes)
        train = Split(train.images[kept], train.labels[kept])
    if image_size is not None:
        check_memory(name, len(train.labels) + len(test.labels), train.images.shape[1], image_size)
        train, test = (Split(resized(split.images, image_size), split.labels) for split in (train, test))
    return Dataset(name, train, test, classes)


def prepare(spec: DataSpec, root: Path | None = None) -> None:
    """Fetch and check a data set before the runs that load it; the user's own images are counted, not decoded."""
    if is_own(spec.name):
        info_of(spec.name, spec.split)
    else:
        load(spec.name, root)


def load_for(spec: DataSpec, root: Path | None = None) -> Dataset:
    """The data set that a spec describes."""
    return load(spec.name, root, train_images=spec.train_images, image_size=spec.image_size, split=spec.split)


def _check_labels(name: str, train: torch.Tensor, test: torch.Tensor, classes: int) -> None:
    """Raise DataError for a label outside 0 ... classes - 1, and for a class without training images."""
    for part, labels in (("training", train), ("test", test)):
        if wrong := [label for label in labels.unique().tolist() if not 0 <= label < classes]:
            raise DataError(f"{name}: a {part} image has the label {wrong[0]}; labels are 0 to {classes - 1}")
    if missing := sorted(set(range(classes)) - set(train.unique().tolist())):
        raise DataError(f"{name}: no training image has the label {missing[0]}; labels are 0 to {classes - 1}")


def balanced_indices(labels: torch.Tensor, count: int, classes: int) -> torch.Tensor:
    """The first count/classes indices of each class, in the original order; the first classes get the remainder.

    All indices if `count` is the number of labels. Raises DataError if a class has too few.
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
            smallest = int(torch.bincount(labels, minlength=classes).min())
            raise DataError(
                f"train_images={count} needs {share} images of class {k}, which has {len(members)}; "
                f"use all {len(labels)}, or {smallest * classes} or fewer"
            )
        chosen.append(members[:share])
    return torch.cat(chosen).sort().values
