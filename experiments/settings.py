"""Settings that several ablations share: data sets in place of the paper's, and what every comparison holds fixed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.datasets import IMAGE_FOLDER
from experiments.spec import DataSpec

# The command line says which folder: --dataset imagefolder:PATH. Short side 256 pixels, as He et al. 2015.
IMAGENET = DataSpec(IMAGE_FOLDER, image_size=256)
IMAGENET_299 = DataSpec(IMAGE_FOLDER, image_size=342)  # 299 of 342 is 224 of 256

# 1,437 images of 8x8: a batch of 128 would leave eleven steps an epoch.
DIGITS: Mapping[str, Any] = {
    "data.name": "digits",
    "data.image_size": None,
    "recipe.crop_size": None,
    "recipe.crop_area": None,
    "recipe.crop_padding": 1,
    "recipe.flip": False,
    "recipe.test_crops": "single",
    "recipe.pca_noise": 0.0,
    "recipe.batch_size": 32,
}
# In place of ImageNet: the augmentation of He et al. 2015, section 4.2.
CIFAR10: Mapping[str, Any] = {
    "data.name": "cifar10",
    "data.image_size": None,
    "recipe.crop_size": None,
    "recipe.crop_area": None,
    "recipe.crop_padding": 4,
    "recipe.flip": True,
    "recipe.test_crops": "single",
    "recipe.pca_noise": 0.0,
    "recipe.batch_size": 128,
}
# A rate that falls in three steps, where a profile is too short for the paper's schedule.
SHORT: Mapping[str, Any] = {"recipe.milestones": (0.5, 0.75), "recipe.gamma": 0.1, "recipe.ema": None}

FIXED = (
    "layers of equal name and shape start from equal values, for one seed",
    "the order of the images, their crops and flips, batch by batch, for one seed",
    "the recipe, but for what is the factor",
    "what is reported: the test error of the last epoch",
)


def without(settings: Mapping[str, Any], *paths: str) -> dict[str, Any]:
    """`settings` less some paths, which the caller's own factor sets."""
    return {path: value for path, value in settings.items() if path not in paths}
