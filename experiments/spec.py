"""What a run is, as frozen data: net, data, recipe, seed; its name on disk and its identity in W&B.

Everything that popular ports let drift is a field here, with the paper's value as its default.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Literal, get_args, get_origin, get_type_hints

import nets
from analysis.schema import RENAMED
from experiments.datasets import DatasetInfo, info_of, shape_of
from experiments.recipes import HE2016_CIFAR, Recipe

__all__ = [
    "DataSpec", "NetSpec", "Recipe", "RunSpec", "SpecError", "flatten", "nested", "non_default", "with_changes",
    "with_epochs",
]  # fmt: skip

_POSITIVE = (lambda value: value > 0, "above 0")
_SHARE = (lambda value: 0 <= value < 1, "at least 0 and below 1")
BOUNDS: Mapping[str, tuple[Callable[[float], bool], str]] = {
    "data.train_images": _POSITIVE,
    "data.image_size": _POSITIVE,
    "recipe.iterations": _POSITIVE,
    "recipe.batch_size": _POSITIVE,
    "recipe.crop_size": _POSITIVE,
    "recipe.clip_norm": _POSITIVE,
    "recipe.ema": _SHARE,
    "recipe.label_smoothing": _SHARE,
    "recipe.rmsprop_decay": _SHARE,
    "threads": _POSITIVE,
}
FOLLOWS_DATA = ("num_classes", "in_channels")  # net options that the data set decides


class SpecError(ValueError):
    """A declaration or a command asks for what cannot be; one line says what would be right."""


@dataclass(frozen=True)
class NetSpec:
    """A net of `nets` by name, with the options that differ from its own defaults."""

    name: str = "resnet110"
    options: Mapping[str, Any] = field(default_factory=dict)

    def resolved(self) -> dict[str, Any]:
        """All options with their values, but for those that follow the data set."""
        known = nets.options_of(self.name)
        if unknown := sorted(set(self.options) - set(known)):
            raise SpecError(f"{self.name} has no option {unknown[0]!r}; it has {', '.join(known)}")
        defaults = {name: option.default for name, option in known.items()}
        return {k: v for k, v in {**defaults, **self.options}.items() if k not in FOLLOWS_DATA}


@dataclass(frozen=True)
class DataSpec:
    """A data set, how much of it, and how its pixels are normalised.

    train_images: the first so many training images, balanced over the classes; None: all.
    image_size: side in pixels to which the images are resized once, at loading (bilinear, antialiased); None: as they
        are, and 224 for an image folder.
    normalisation: "pixel_mean": x / 255 minus the mean training image (He et al. 2015; the paper does not say
        the scale); "channel": (x / 255 - mean) / std by channel, as fb.resnet.torch does.
    """

    name: str = "cifar10"
    train_images: int | None = None
    normalisation: Literal["pixel_mean", "channel"] = "pixel_mean"
    image_size: int | None = None

    @property
    def info(self) -> DatasetInfo:
        """What is known ahead of loading; an image folder is looked through. Raises DataError."""
        return info_of(self.name)

    @property
    def images(self) -> int:
        """Training images in one epoch."""
        return self.info.train_images if self.train_images is None else self.train_images

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the images in memory."""
        channels, height, width = shape_of(self.name)
        return (channels, height, width) if self.image_size is None else (channels, self.image_size, self.image_size)


@dataclass(frozen=True)
class RunSpec:
    """One run: everything that decides its result, bit for bit, together with the versions in env.json.

    threads: CPU threads of the run; one and two differ in the last bits, so their number belongs here.
    compiled: whether torch.compile fuses the training passes; it too changes the last bits.
    """

    net: NetSpec = NetSpec()
    data: DataSpec = DataSpec()
    recipe: Recipe = HE2016_CIFAR
    seed: int = 0
    threads: int = 1
    device: Literal["cpu", "cuda"] = "cpu"
    compiled: bool = False

    @property
    def epochs(self) -> int:
        """Passes over the training images that `recipe.iterations` batches begin."""
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

    def check(self) -> RunSpec:
        """This spec. Raises SpecError, one line, for a value that cannot be."""
        for part in (self, self.data, self.recipe):
            _check_choices(part)
        recipe, (_, height, width) = self.recipe, self.data.shape
        for path, (holds, bounds) in BOUNDS.items():
            if (value := attrgetter(path)(self)) is not None and not holds(value):
                raise SpecError(f"{path} must be {bounds}, not {value}")
        if recipe.precision == "tf32" and self.device != "cuda":
            raise SpecError("recipe.precision tf32 is of a GPU; a CPU has fp32 and bf16")
        if recipe.crop_area is not None and not 0 < recipe.crop_area[0] <= recipe.crop_area[1] <= 1:
            low, high = recipe.crop_area
            raise SpecError(f"recipe.crop_area takes two shares of the area, 0 < low <= high <= 1, not {low}, {high}")
        if recipe.test_crops == "ten" and recipe.crop_size is None:
            raise SpecError("recipe.test_crops = 'ten' needs recipe.crop_size, the side of a view in pixels")
        if recipe.crop_size is not None and recipe.crop_size > min(height, width):
            raise SpecError(
                f"recipe.crop_size {recipe.crop_size} does not fit into images of {height}x{width} pixels "
                f"({self.data.name}); set data.image_size, or a smaller crop"
            )
        return self

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


def _check_choices(part: Any) -> None:
    for name, kind in get_type_hints(type(part)).items():
        value = getattr(part, name)
        if get_origin(kind) is Literal and value not in get_args(kind):
            raise SpecError(f"{name} cannot be {value!r}; choose from {', '.join(map(str, get_args(kind)))}")


def nested(spec: RunSpec) -> dict[str, Any]:
    """The whole spec as plain nested data, every option of the net spelt out; tuples become lists.

    Raises SpecError for a spec that cannot be.
    """
    tree = dataclasses.asdict(spec.check())
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
        elif path in {"seed", "threads", "device", "compiled"} or (path == "net" and isinstance(value, NetSpec)):
            new = value
        else:
            raise SpecError(f"a spec has no field {path!r}; it has {', '.join(flatten(spec))}")
        spec = dataclasses.replace(spec, **{head: new})
    return spec


def with_epochs(spec: RunSpec, epochs: float) -> RunSpec:
    """`spec` trained for about `epochs` passes; drops and warm-up keep their shares of the whole."""
    iterations = max(1, round(epochs * spec.data.images / spec.recipe.batch_size))
    return with_changes(spec, {"recipe.iterations": iterations})
