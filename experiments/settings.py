"""Settings that several ablations share: data sets in place of the paper's, and what every comparison holds fixed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.datasets import DATASETS, IMAGE_FOLDER, DatasetInfo
from experiments.spec import DataSpec

# The command line names the folder: --dataset imagefolder:PATH. Short side 256 pixels, as in He et al. 2015.
IMAGENET = DataSpec(IMAGE_FOLDER, image_size=256)
IMAGENET_299 = DataSpec(IMAGE_FOLDER, image_size=342)  # 299 of 342 is 224 of 256


def augmentation(info: DatasetInfo, crop_size: int | None = None) -> dict[str, Any]:
    """The usual augmentation of a data set; crops of a size that the recipe sets need no padding."""
    padding = {} if crop_size else {"recipe.crop_padding": info.crop_padding}
    return {**padding, "recipe.flip": info.flip}


def in_place(name: str, batch_size: int) -> dict[str, Any]:
    """The changes that put a small data set in place of the paper's: whole images, usual augmentation, a batch size."""
    return {
        "data.name": name,
        "data.image_size": None,
        "recipe.crop_size": None,
        "recipe.crop_area": None,
        "recipe.test_crops": "single",
        "recipe.pca_noise": 0.0,
        "recipe.batch_size": batch_size,
        **augmentation(DATASETS[name]),
    }


DIGITS: Mapping[str, Any] = in_place("digits", batch_size=32)  # 1,437 images: 128 would leave eleven steps per epoch
CIFAR10: Mapping[str, Any] = in_place("cifar10", batch_size=128)
# Where a profile is too short for the paper's schedule.
SHORT: Mapping[str, Any] = {"recipe.milestones": (0.5, 0.75), "recipe.gamma": 0.1, "recipe.ema": None}

FIXED = (
    "layers of equal name and shape start from equal values, for one seed",
    "the order of the images, their crops and flips, batch by batch, for one seed",
    "the recipe, except for the factor",
    "what is reported: the test error of the last epoch",
)


def without(settings: Mapping[str, Any], *paths: str) -> dict[str, Any]:
    """`settings` without the paths that the caller's own factor sets."""
    return {path: value for path, value in settings.items() if path not in paths}
