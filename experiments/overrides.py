"""What a command line changes in an ablation, for every variant alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from experiments.check import Factor
from experiments.datasets import IMAGE_FOLDER, DataError, canonical, info_of, is_own
from experiments.parsing import setting_of
from experiments.recipes import IMAGENET
from experiments.settings import augmentation
from experiments.spec import RunSpec, SpecError, with_changes, with_epochs

SETTINGS = ("device", "threads", "recipe.precision", "compiled")


@dataclass(frozen=True)
class Overrides:
    """Fields as the options of `scripts/run_ablation.py`; None leaves the profile's value.

    settings: any other fields, as "recipe.learning_rate=0.05".
    """

    variants: tuple[str, ...] = ()
    dataset: str | None = None
    depth: int | None = None
    epochs: float | None = None
    device: str | None = None
    threads: int | None = None
    precision: str | None = None
    compiled: bool | None = None
    split: float | None = None
    settings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.dataset is not None:  # one name for a folder, so that runs and results are found again
            object.__setattr__(self, "dataset", canonical(self.dataset))

    def apply(self, spec: RunSpec, factors: Sequence[Factor]) -> RunSpec:
        """`spec` with these changes; another data set brings its usual augmentation and keeps the length in epochs.

        An image folder in place of another one keeps the recipe's augmentation. Raises SpecError for what does not
        exist, and for a field that is a factor. The user's own images get an absolute path and their usual size.
        """
        changes = self._changes(spec)
        for path in changes:
            if any(factor.covers(path) for factor in factors):
                raise SpecError(f"{path} is the factor of this ablation and cannot be set for all variants")
        epochs = self.epochs
        try:
            if (other := self._other_data(spec)) is not None:
                if epochs is None and "recipe.iterations" not in changes:
                    epochs = spec.recipe.iterations * spec.recipe.batch_size / images_of(spec)
                if not (has_image_folder(spec) and other.startswith(IMAGE_FOLDER)):
                    changes = augmentation(info_of(other, self.split), spec.recipe.crop_size) | changes
            spec = _settled(with_changes(spec, changes))
            return spec if epochs is None else with_epochs(spec, epochs)
        except DataError as error:
            raise SpecError(str(error)) from None

    def _other_data(self, spec: RunSpec) -> str | None:
        return None if self.dataset == canonical(spec.data.name) else self.dataset

    def _changes(self, spec: RunSpec) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        if self.depth is not None:
            changes["net.name"] = re.sub(r"\d+$", str(self.depth), spec.net.name)
            if changes["net.name"] == spec.net.name and str(self.depth) not in spec.net.name:
                raise SpecError(f"the depth of {spec.net.name} cannot be set")
        changes |= {path: value for path in SETTINGS if (value := getattr(self, path.rpartition(".")[2])) is not None}
        if (other := self._other_data(spec)) is not None:
            changes |= {"data.name": other, "data.train_images": None, "data.split": None}
        if self.split is not None:
            changes |= {"data.split": self.split}
        set_alone = dict(setting_of(text, with_changes(spec, changes)) for text in self.settings)
        if twice := sorted(changes.keys() & set_alone):
            raise SpecError(f"--set {twice[0]}: an option of its own sets it as well")
        return changes | set_alone


def _settled(spec: RunSpec) -> RunSpec:
    """`spec` with the absolute path of the user's own images, and the size that suits them unless it has one."""
    if (name := canonical(spec.data.name)) != spec.data.name:
        spec = with_changes(spec, {"data.name": name})
    if lacks_images(spec) or spec.data.image_size is not None or not is_own(spec.data.name):
        return spec
    size = spec.data.info.usual_size
    # A size that images without one get anyway does not change the spec, nor its hash.
    return spec if size in (None, spec.data.shape[1]) else with_changes(spec, {"data.image_size": size})


def has_image_folder(spec: RunSpec) -> bool:
    return spec.data.name.startswith(IMAGE_FOLDER)


def lacks_images(spec: RunSpec) -> bool:
    """Whether the spec wants an image folder that nobody has named yet, as the papers' ImageNet profiles do."""
    return spec.data.name == IMAGE_FOLDER


def images_of(spec: RunSpec) -> int:
    """Training images in an epoch; ImageNet's for a folder that is not named yet."""
    return IMAGENET if lacks_images(spec) else spec.data.images
