"""Loading data sets into memory, with their SHA-256 sums checked whatever the source.

Sources are tried in this order: the cache (one file per data set), the official download through torchvision, a mirror.
CIFAR-100 has no recorded sums: torchvision checks the official MD5, and the cache file carries the sums of its own
contents. The images of `imagefolder:PATH` are decoded at every load and have no sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from experiments.data.cache import default_root, obtain
from experiments.data.image_folder import read_image_folder
from experiments.data.resize import check_memory, resized
from experiments.datasets import DATASETS, IMAGE_FOLDER, IMAGE_FOLDER_SHAPE, DataError, info_of
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
) -> Dataset:
    """A data set by name, or `imagefolder:PATH`; from the cache folder `root`, or fetched from its sources.

    train_images: size of a class-balanced subset of the training images, see `balanced_indices`; the test set is whole.
    image_size: side in pixels of the square images; None: as they are, and 224 for an image folder.
    Raises DataError: unknown name, corrupt cache, no source, folder not writable, images too large for the memory.
    """
    if name.startswith(IMAGE_FOLDER):
        folder = Path(name.removeprefix(IMAGE_FOLDER)).expanduser()
        arrays, classes = read_image_folder(folder, image_size or IMAGE_FOLDER_SHAPE[1])
    else:
        info = info_of(name)
        arrays, classes = obtain(info, root or default_root(), download=download), info.classes

    train = Split(torch.from_numpy(arrays.train_images), torch.from_numpy(arrays.train_labels).long())
    test = Split(torch.from_numpy(arrays.test_images), torch.from_numpy(arrays.test_labels).long())
    if train_images is not None:
        kept = balanced_indices(train.labels, train_images, classes)
        train = Split(train.images[kept], train.labels[kept])
    if image_size is not None:
        check_memory(name, len(train.labels) + len(test.labels), train.images.shape[1], image_size)
        train, test = (Split(resized(split.images, image_size), split.labels) for split in (train, test))
    return Dataset(name, train, test, classes)


def prepare(spec: DataSpec, root: Path | None = None) -> None:
    """Fetch and check a data set before the runs that load it; of an image folder only the files are counted."""
    if spec.name.startswith(IMAGE_FOLDER):
        info_of(spec.name)
    else:
        load(spec.name, root)


def load_for(spec: DataSpec, root: Path | None = None) -> Dataset:
    """The data set that a spec describes."""
    return load(spec.name, root, train_images=spec.train_images, image_size=spec.image_size)


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
