"""What a run is, as frozen data: net, data, recipe, seed; its name on disk and its identity in W&B.

Everything that popular ports let drift is a field here, with the paper's value as its default.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import nets
from experiments.datasets import DATASETS
from nets.layers import Init

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
    normalisation: "pixel_mean": x / 255 minus the mean training image (He et al. 2015; the paper does not say
        the scale); "channel": (x / 255 - mean) / std by channel, as fb.resnet.torch does.
    """

    name: str = "cifar10"
    train_images: int | None = None
    normalisation: Literal["pixel_mean", "channel"] = "pixel_mean"

    @property
    def images(self) -> int:
        """Training images in one epoch."""
        if self.train_images is not None:
            return self.train_images
        if self.name not in DATASETS:
            raise SpecError(f"the number of training images of {self.name!r} is not known ahead of loading it")
        return DATASETS[self.name].train_images


@dataclass(frozen=True)
class Recipe:
    """How a net is trained; the defaults are He et al.'s recipe for CIFAR (2015, section 4.2; 2016, appendix).

    iterations: SGD steps; batches run on over the ends of epochs, so all are full.
    drops: shares of the iterations after which drop_factor multiplies the learning rate (32k, 48k of 64k).
    warmup: share of the iterations at learning_rate * warmup_factor (400 of 64k).
    decay: what weight decay reaches: "conv" weights (the paper's authors, by fb.resnet.torch's notes), "weights"
        of convolutions and linear layers, or "all" parameters.
    crop_padding, flip: zero padding ahead of a random crop, and random mirroring, of normalised images.
    init: None: the rule of the net's paper (`net.init`).
    """

    iterations: int = 64_000
    batch_size: int = 128
    learning_rate: float = 0.1
    drops: tuple[float, ...] = (0.5, 0.75)
    drop_factor: float = 0.1
    warmup: float = 400 / 64_000
    warmup_factor: float = 0.1
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 1e-4
    decay: Literal["conv", "weights", "all"] = "conv"
    crop_padding: int = 4
    flip: bool = True
    init: Init | None = None
    precision: Literal["fp32", "bf16"] = "fp32"


@dataclass(frozen=True)
class RunSpec:
    """One run: everything that decides its result, bit for bit, together with the versions in env.json.

    threads: CPU threads of the run; one and two differ in the last bits, so their number belongs here.
    """

    net: NetSpec = NetSpec()
    data: DataSpec = DataSpec()
    recipe: Recipe = Recipe()
    seed: int = 0
    threads: int = 1
    device: Literal["cpu", "cuda"] = "cpu"

    @property
    def epochs(self) -> int:
        """Passes over the training images that `recipe.iterations` batches begin."""
        return ((self.recipe.iterations - 1) * self.recipe.batch_size) // self.data.images + 1

    def epoch_end(self, epoch: int) -> int:
        """The number of steps after which epoch `epoch` (from 0) is over."""
        samples = (epoch + 1) * self.data.images
        return min(self.recipe.iterations, -(-samples // self.recipe.batch_size))

    @property
    def hash8(self) -> str:
        """Eight hex digits over the fields that differ from their defaults, the seed aside."""
        return _digest({k: v for k, v in non_default(self).items() if k != "seed"}, 4)

    @property
    def run_id(self) -> str:
        """The run's id in W&B: a hash of the whole spec, the seed included."""
        return _digest({"seed": self.seed, **non_default(self)}, 8)


def _digest(fields: Mapping[str, Any], size: int) -> str:
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()


def nested(spec: RunSpec) -> dict[str, Any]:
    """The whole spec as plain nested data, every option of the net spelt out."""
    tree = dataclasses.asdict(spec)
    tree["net"] = {"name": spec.net.name, **spec.net.resolved()}
    tree["recipe"]["drops"] = list(spec.recipe.drops)
    return tree


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
    """`spec` with dotted paths set to new values. Raises SpecError for a path that does not exist."""
    for path, value in changes.items():
        head, _, leaf = path.partition(".")
        part = getattr(spec, head, None)
        if head == "net" and leaf and leaf != "name":
            new: Any = NetSpec(spec.net.name, {**spec.net.options, leaf: value})
        elif leaf and part is not None and leaf in {f.name for f in dataclasses.fields(part)}:
            new = dataclasses.replace(part, **{leaf: value})
        elif not leaf and head in {"seed", "threads", "device"}:
            new = value
        else:
            raise SpecError(f"a spec has no field {path!r}; it has {', '.join(flatten(spec))}")
        spec = dataclasses.replace(spec, **{head: new})
    return spec


def with_epochs(spec: RunSpec, epochs: float) -> RunSpec:
    """`spec` trained for about `epochs` passes; drops and warm-up keep their shares of the whole."""
    iterations = max(1, round(epochs * spec.data.images / spec.recipe.batch_size))
    return with_changes(spec, {"recipe.iterations": iterations})
