"""What a run is, as frozen data: net, data, recipe, seed; its name on disk and its identity in W&B.

Everything that popular ports let drift is a field here, with the paper's value as its default.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from analysis.schema import RENAMED
from experiments.datasets import DatasetInfo, info_of, shape_of
from experiments.recipes import HE2016_CIFAR, Recipe

__all__ = [
    "DataSpec", "NetSpec", "Recipe", "RunSpec", "SpecError", "flatten", "nested", "non_default", "with_changes",
    "with_epochs",
]  # fmt: skip

FOLLOWS_DATA = ("num_classes", "in_channels")  # net options that follow from the data set


class SpecError(ValueError):
    """A declaration or a command asks for something impossible; one line says what would be right."""


Device = Literal["cpu", "cuda", "mps"]


@dataclass(frozen=True)
class NetSpec:
    """A net of `nets` by name, with the options that differ from its own defaults."""

    name: str = "resnet110"
    options: Mapping[str, Any] = field(default_factory=dict)

    def resolved(self) -> dict[str, Any]:
        """All options with their values, except those that follow from the data set.

        Raises SpecError for an unknown net or option.
        """
        import nets  # and with it PyTorch, which a list of ablations need not wait for

        try:
            known = nets.options_of(self.name)
        except ValueError as error:
            raise SpecError(str(error)) from None
        if unknown := sorted(set(self.options) - set(known)):
            raise SpecError(f"{self.name} has no option {unknown[0]!r}; it has {', '.join(known)}")
        defaults = {name: option.default for name, option in known.items()}
        return {k: v for k, v in {**defaults, **self.options}.items() if k not in FOLLOWS_DATA}


@dataclass(frozen=True)
class DataSpec:
    """A data set, how much of it, and how its pixels are normalised.

    train_images: number of training images, the first of each class in equal shares; None: all.
    image_size: side in pixels to which images are resized once, when loaded (bilinear, antialiased); None: not
        resized, and 224 for an image folder. A command sets the size that suits a folder's images, see `overrides`.
    normalisation: "pixel_mean": x / 255 minus the mean training image (He et al. 2015, who do not state the
        scale); "channel": (x / 255 - mean) / std per channel, as in fb.resnet.torch.
    split: share of the images of each class to train on, where the user's own images have no test set.
    """

    name: str = "cifar10"
    train_images: int | None = None
    normalisation: Literal["pixel_mean", "channel"] = "pixel_mean"
    image_size: int | None = None
    split: float | None = None

    @property
    def info(self) -> DatasetInfo:
        """What is known before loading; an image folder is searched. Raises DataError."""
        return info_of(self.name, self.split)

    @property
    def images(self) -> int:
        """Training images in one epoch."""
        return self.info.train_images if self.train_images is None else self.train_images

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the images in memory."""
        channels, height, width = shape_of(self.name, self.split)
        return (channels, height, width) if self.image_size is None else (channels, self.image_size, self.image_size)


@dataclass(frozen=True)
class RunSpec:
    """One run: everything that determines its result, bit for bit, together with the versions in env.json.

    threads: CPU threads of the run; one and two give results that differ in the last bits.
    compiled: whether torch.compile fuses the training passes; this also changes the last bits.
    deterministic: False allows operators without a deterministic implementation: two runs may then differ.
    """

    net: NetSpec = NetSpec()
    data: DataSpec = DataSpec()
    recipe: Recipe = HE2016_CIFAR
    seed: int = 0
    threads: int = 1
    device: Device = "cpu"
    compiled: bool = False
    deterministic: bool = True

    @property
    def epochs(self) -> int:
        """Passes over the training images that `recipe.iterations` batches start; the last may be incomplete."""
        return ((self.recipe.iterations - 1) * self.recipe.batch_size) // self.data.images + 1

    def epoch_end(self, epoch: int) -> int:
        """The number of steps after which epoch `epoch` (from 0) is over."""
        samples = (epoch + 1) * self.data.images
        return min(self.recipe.iterations, -(-samples // self.recipe.batch_size))

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of what the net sees: a crop, where the recipe sets its size, else a whole image."""
        channels, height, width = self.data.shape
        side = self.recipe.crop_size
        return (channels, height, width) if side is None else (channels, side, side)

    @property
    def hash8(self) -> str:
        """Eight hex digits over the fields that differ from their defaults, the seed aside."""
        return _digest({k: v for k, v in _hashed(self).items() if k != "seed"}, 4)

    @property
    def run_id(self) -> str:
        """The run's id in W&B: a hash of the whole spec, the seed included."""
        return _digest({"seed": self.seed, **_hashed(self)}, 8)


def _hashed(spec: RunSpec) -> dict[str, Any]:
    """`non_default` under the names that the fields had when the first runs were made, so that those keep their ids."""
    first_names = {today: first for first, today in RENAMED.items()}
    return {first_names.get(path, path): value for path, value in non_default(spec).items()}


def _digest(fields: Mapping[str, Any], size: int) -> str:
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()


def nested(spec: RunSpec) -> dict[str, Any]:
    """The whole spec as plain nested data, every option of the net spelled out; tuples become lists."""
    tree = dataclasses.asdict(spec)
    tree["net"] = {"name": spec.net.name, **spec.net.resolved()}
    return _plain(tree)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def flatten(spec: RunSpec) -> dict[str, Any]:
    """`nested` with dotted paths as keys: {"net.order": "original", ...}."""
    return {
        f"{key}.{name}" if isinstance(value, dict) else key: leaf
        for key, value in nested(spec).items()
        for name, leaf in (value.items() if isinstance(value, dict) else [("", value)])
    }


def non_default(spec: RunSpec) -> dict[str, Any]:
    """The fields that differ from the defaults, the net's name always among them.

    A new field whose default changes nothing therefore leaves names, and old runs, where they are.
    """
    plain = flatten(RunSpec(net=NetSpec(spec.net.name)))
    return {k: v for k, v in flatten(spec).items() if k == "net.name" or v != plain.get(k)}


def with_changes(spec: RunSpec, changes: Mapping[str, Any]) -> RunSpec:
    """`spec` with dotted paths set to new values, "net" to a whole NetSpec. Raises SpecError for an unknown path."""
    for path, value in changes.items():
        head, _, leaf = path.partition(".")
        part = getattr(spec, head, None)
        if head == "net" and leaf and leaf != "name":
            new: Any = NetSpec(spec.net.name, {**spec.net.options, leaf: value})
        elif leaf and part is not None and leaf in {f.name for f in dataclasses.fields(part)}:
            new = dataclasses.replace(part, **{leaf: value})
        elif path in {"seed", "threads", "device", "compiled", "deterministic"} or (
            path == "net" and isinstance(value, NetSpec)
        ):
            new = value
        else:
            raise SpecError(f"a spec has no field {path!r}; it has {', '.join(flatten(spec))}")
        spec = dataclasses.replace(spec, **{head: new})
    return spec


def with_epochs(spec: RunSpec, epochs: float) -> RunSpec:
    """`spec` trained for about `epochs` passes; milestones and warm-up keep their shares of the whole.

    Raises SpecError for a length that is no number above 0.
    """
    if isinstance(epochs, bool) or not isinstance(epochs, (int, float)) or not 0 < epochs < math.inf:
        raise SpecError(f"a length in epochs is a number above 0, not {epochs!r}")
    iterations = max(1, round(epochs * spec.data.images / spec.recipe.batch_size))
    return with_changes(spec, {"recipe.iterations": iterations})
