"""What a command line changes in an ablation, for every variant alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from experiments.check import Factor
from experiments.datasets import IMAGE_FOLDER, DataError, DatasetInfo, info_of
from experiments.recipes import IMAGENET
from experiments.spec import RunSpec, SpecError, flatten, with_changes, with_epochs

SETTINGS = ("device", "threads", "recipe.precision", "compiled")


@dataclass(frozen=True)
class Overrides:
    """Fields as the options of `scripts/run_ablation.py`; None leaves the profile's value."""

    variants: tuple[str, ...] = ()
    dataset: str | None = None
    depth: int | None = None
    epochs: float | None = None
    device: str | None = None
    threads: int | None = None
    precision: str | None = None
    compiled: bool | None = None

    def apply(self, spec: RunSpec, factors: Sequence[Factor]) -> RunSpec:
        """`spec` with these changes; a data set brings its usual augmentation, and keeps the length in epochs.

        One folder of images in place of another keeps the recipe's augmentation. Raises SpecError for what does not
        exist, and for a field that is a factor.
        """
        changes: dict[str, Any] = {}
        if self.depth is not None:
            changes["net.name"] = re.sub(r"\d+$", str(self.depth), spec.net.name)
            if changes["net.name"] == spec.net.name and str(self.depth) not in spec.net.name:
                raise SpecError(f"{spec.net.name} has no depth to set")
        changes |= {path: value for path in SETTINGS if (value := getattr(self, path.rpartition(".")[2])) is not None}
        other_data = self.dataset is not None and self.dataset != spec.data.name
        if other_data:
            changes |= {"data.name": self.dataset, "data.train_images": None}
        for path in changes:
            if any(factor.covers(path) for factor in factors):
                raise SpecError(f"{path} is the factor of this ablation and cannot be set for all variants")
        epochs = self.epochs
        try:
            if other_data and epochs is None:
                epochs = spec.recipe.iterations * spec.recipe.batch_size / images_of(spec)
            if other_data and not (is_folder(spec) and self.dataset.startswith(IMAGE_FOLDER)):
                changes |= _augmentation(info_of(self.dataset), spec.recipe.crop_size)
            spec = with_changes(spec, changes)
            flatten(spec)
            return spec if epochs is None else with_epochs(spec, epochs)
        except (ValueError, DataError) as error:
            raise SpecError(str(error)) from None


def _augmentation(info: DatasetInfo, crop_size: int | None) -> dict[str, Any]:
    """The usual one of a data set; crops of a size that the recipe sets need no padding."""
    padding = {} if crop_size else {"recipe.crop_padding": info.crop_padding}
    return {**padding, "recipe.flip": info.flip}


def is_folder(spec: RunSpec) -> bool:
    return spec.data.name.startswith(IMAGE_FOLDER)


def lacks_images(spec: RunSpec) -> bool:
    """Whether the spec wants a folder of images that nobody has named yet, as the papers' ImageNet profiles do."""
    return spec.data.name == IMAGE_FOLDER


def images_of(spec: RunSpec) -> int:
    """Training images in an epoch; of a folder not named yet, ImageNet's."""
    return IMAGENET if lacks_images(spec) else spec.data.images
