"""Loading data sets into memory, with their SHA-256 sums checked whatever the source.

Sources are tried in this order: the cache (one file per data set), the official download through torchvision, a mirror.
CIFAR-100 has no recorded sums: torchvision checks the official MD5, and the cache file carries the sums of its own
contents. A user's own images are read at every load; `experiments.data.contents` notices that they have changed.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import torch

from experiments import machine
from experiments.data.cache import default_root, obtain
from experiments.data.moments import Moments
from experiments.data.own import open_own, read_own
from experiments.data.pictures import Chosen, Pictures
from experiments.data.resize import check_memory, is_large, memory_needed, resized
from experiments.data.split import Dataset, Split
from experiments.data.streamed import Streamed
from experiments.data.survey import survey
from experiments.datasets import DATASETS, DataError, DatasetInfo, info_of, is_own
from experiments.loading import AS_FITS, Loading
from experiments.spec import DataSpec, RunSpec

TEST_BATCH = 500

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


def load(
    name: str,
    root: Path | None = None,
    *,
    train_images: int | None = None,
    download: bool = True,
    image_size: int | None = None,
    split: float | None = None,
    loading: Loading = AS_FITS,
    device: str = "cpu",
) -> Dataset:
    """A data set by name, from the cache folder `root` or fetched from its sources; or the user's own images.

    train_images: size of a class-balanced subset of the training images, see `balanced_indices`; the test set is whole.
    image_size: side in pixels of the square images; None: as they are, and 224 for an image folder.
    split: share of each class to train on, for the user's own images that have no test set.
    loading, device: whether the user's own images are read while they are needed, for a run on that device.
    Raises DataError: unknown name, corrupt cache, no source, folder not writable, images too large for the memory.
    """
    info = info_of(name, split)
    if streams(info, image_size, loading, device):
        spec = DataSpec(name, train_images, image_size=image_size, split=split)
        return _streamed(spec, info, root or default_root(), loading.workers)
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


def streams(info: DatasetInfo, image_size: int | None, loading: Loading, device: str) -> bool:
    """Whether the images are read while they are needed: only a user's own, as `loading` says."""
    if not is_own(info.name) or loading.stream != "auto":
        return is_own(info.name) and loading.stream == "always"
    side = image_size or info.shape[1]
    return is_large(memory_needed(info.train_images + info.test_images, info.shape[0], side), device)


def held_bytes(spec: RunSpec, loading: Loading) -> int:
    """Bytes of images that a run keeps: all of them, or the batches read ahead, for training and for the test."""
    data, batch = spec.data, spec.recipe.batch_size
    images = data.images + data.info.test_images
    if streams(data.info, data.image_size, loading, spec.device):
        images = min(images, 4 * batch + 4 * TEST_BATCH)
    return images * math.prod(data.shape)


def _streamed(spec: DataSpec, info: DatasetInfo, root: Path, workers: int) -> Dataset:
    pictures, test = open_own(info, spec.split, spec.image_size)
    labels, test_labels = (torch.from_numpy(part.labels).long() for part in (pictures, test))
    _check_labels(info.name, labels, test_labels, info.classes)
    train: Pictures = pictures
    if spec.train_images is not None:
        kept = balanced_indices(labels, spec.train_images, info.classes)
        train, labels = Chosen(pictures, kept.numpy()), labels[kept]

    def measured() -> Moments:
        return survey(spec, root, train, test, workers)

    splits = (Streamed(part, numbers, measured, workers) for part, numbers in ((train, labels), (test, test_labels)))
    return Dataset(info.name, next(splits), next(splits), info.classes)


def prepare(spec: DataSpec, root: Path | None = None, loading: Loading = AS_FITS, device: str = "cpu") -> None:
    """Fetch and check a data set before the runs that load it.

    The user's own images are counted; those that are read while they are needed are all looked at, once.
    """
    if not is_own(spec.name):
        load(spec.name, root)
    elif streams(info_of(spec.name, spec.split), spec.image_size, loading, device):
        workers = machine.cores() if machine.cores() > 1 else 0
        _ = load_for(spec, root, replace(loading, stream="always", loader_workers=workers), device).train.moments


def load_for(spec: DataSpec, root: Path | None = None, loading: Loading = AS_FITS, device: str = "cpu") -> Dataset:
    """The data set that a spec describes, for a run on `device`."""
    return load(
        spec.name, root, train_images=spec.train_images, image_size=spec.image_size, split=spec.split, loading=loading,
        device=device,
    )  # fmt: skip


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
