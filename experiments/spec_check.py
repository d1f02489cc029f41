"""Whether a spec can be run: the type and bounds of every field, the net's options, and what must fit together."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from experiments.datasets import IMAGE_FOLDER
from experiments.spec import NetSpec, RunSpec, SpecError

LONGEST = 10**9  # iterations
MOST_SEEDS = 10_000
MOST_THREADS = 1024  # no machine has more cores, and PyTorch aborts on numbers that it cannot start


@dataclass(frozen=True)
class Bound:
    """Which numbers a field takes, as a test and in words."""

    holds: Callable[[Any], bool]
    words: str


ABOVE_0 = Bound(lambda value: value > 0, "above 0")
AT_LEAST_0 = Bound(lambda value: value >= 0, "of at least 0")
SHARE = Bound(lambda value: 0 <= value < 1, "of at least 0 and below 1")
INCREASING_SHARES = Bound(
    lambda values: all(low < high for low, high in itertools.pairwise((0, *values, 1))),
    "above 0 and below 1, in increasing order",
)
AREA = Bound(lambda values: 0 < values[0] <= values[1] <= 1, "with 0 < low <= high <= 1")

BOUNDS: Mapping[str, Bound] = {
    "seed": AT_LEAST_0,
    "threads": Bound(lambda value: 1 <= value <= MOST_THREADS, f"from 1 to {MOST_THREADS:,}"),
    "data.train_images": ABOVE_0,
    "data.image_size": ABOVE_0,
    "data.split": Bound(lambda value: 0 < value < 1, "above 0 and below 1"),
    "recipe.iterations": Bound(lambda value: 1 <= value <= LONGEST, f"from 1 to {LONGEST:,}"),
    "recipe.batch_size": ABOVE_0,
    "recipe.learning_rate": ABOVE_0,
    "recipe.milestones": INCREASING_SHARES,
    "recipe.gamma": ABOVE_0,
    "recipe.warmup": SHARE,
    "recipe.warmup_factor": AT_LEAST_0,
    "recipe.momentum": SHARE,
    "recipe.rmsprop_decay": SHARE,
    "recipe.rmsprop_eps": ABOVE_0,
    "recipe.adam_beta2": SHARE,
    "recipe.adam_eps": ABOVE_0,
    "recipe.final_factor": SHARE,
    "recipe.mixup": AT_LEAST_0,
    "recipe.cutmix": AT_LEAST_0,
    "recipe.rand_augment": AT_LEAST_0,
    "recipe.rand_augment_magnitude": Bound(lambda value: 0 <= value <= 30, "from 0 to 30"),
    "recipe.random_erasing": Bound(lambda value: 0 <= value <= 1, "from 0 to 1"),
    "recipe.weight_decay": AT_LEAST_0,
    "recipe.clip_norm": ABOVE_0,
    "recipe.ema": SHARE,
    "recipe.label_smoothing": SHARE,
    "recipe.aux_weight": AT_LEAST_0,
    "recipe.crop_padding": AT_LEAST_0,
    "recipe.crop_size": ABOVE_0,
    "recipe.crop_area": AREA,
    "recipe.pca_noise": AT_LEAST_0,
    "recipe.bn_groups": ABOVE_0,
}


def check(spec: RunSpec) -> RunSpec:
    """This spec. Raises SpecError, one line, for the first field that has a wrong type or value.

    Called where a spec comes from a person: a declaration, the command line. DataError: an unknown data set.
    """
    for path, kind, value in _typed_fields(spec):
        if not fits(value, kind):
            raise SpecError(f"{path} takes {describe(kind, BOUNDS.get(path))}, not {value!r}")
        if path in BOUNDS and value is not None and not BOUNDS[path].holds(value):
            raise SpecError(f"{path} takes {describe(kind, BOUNDS[path])}, not {value!r}")
    check_options(spec.net)
    _check_together(spec)
    return spec


def check_options(net: NetSpec) -> None:
    """Raise SpecError for an unknown net, an unknown option, or a value that the option does not take."""
    import nets  # and with it PyTorch, which a list of ablations need not wait for

    options = net.resolved()
    known = nets.options_of(net.name)
    for name, value in options.items():
        if not known[name].accepts(value):
            raise SpecError(f"net.{name} cannot be {value!r}; {net.name} takes {known[name]}")


def field_types(spec: RunSpec) -> dict[str, Any]:
    """The type of every field by its dotted path, the net's options aside: {"recipe.batch_size": int, ...}."""
    return {path: kind for path, kind, _ in _typed_fields(spec)}


def fits(value: Any, kind: Any) -> bool:
    """Whether a value has a type; an int also counts as a float, a bool as neither, infinity and nan as no number."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(fits(value, arg) for arg in args)
    if origin is Literal:
        return any(value == arg and type(value) is type(arg) for arg in args)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        kinds = (args[0],) * len(value) if args[-1] is Ellipsis else args
        return len(value) == len(kinds) and all(map(fits, value, kinds))
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return type(value) is kind


def describe(kind: Any, bound: Bound | None = None) -> str:
    """A type and its bound in words: "a whole number above 0 or None"."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        some = " or ".join(describe(arg, bound) for arg in args if arg is not NoneType)
        return f"{some} or None" if NoneType in args else some
    if origin is Literal:
        return f"one of {', '.join(map(str, args))}"
    if origin is tuple:
        words = f"a tuple of {'' if args[-1] is Ellipsis else f'{len(args)} '}numbers"
    else:
        words = {int: "a whole number", float: "a number", bool: "True or False", str: "a name"}[kind]
    return f"{words} {bound.words}" if bound else words


def _typed_fields(spec: RunSpec) -> list[tuple[str, Any, Any]]:
    """Path, type and value of every field of the run, its data and its recipe."""
    found = []
    for prefix, part in (("", spec), ("data.", spec.data), ("recipe.", spec.recipe)):
        hints = get_type_hints(type(part))
        found += [
            (f"{prefix}{field.name}", hints[field.name], getattr(part, field.name))
            for field in fields(part)
            if field.name not in ("net", "data", "recipe")
        ]
    return found


def _check_together(spec: RunSpec) -> None:
    recipe, data = spec.recipe, spec.data
    if recipe.precision == "tf32" and spec.device != "cuda":
        raise SpecError("recipe.precision tf32 needs a CUDA device; a CPU has fp32 and bf16")
    if recipe.nesterov and not recipe.momentum:
        raise SpecError("recipe.nesterov needs recipe.momentum above 0")
    if recipe.test_crops == "ten" and recipe.crop_size is None:
        raise SpecError("recipe.test_crops = 'ten' needs recipe.crop_size, the side of a crop in pixels")
    if recipe.batch_size % (recipe.bn_groups or 1):
        raise SpecError(f"recipe.bn_groups {recipe.bn_groups} does not divide recipe.batch_size {recipe.batch_size}")
    _, height, width = data.shape
    if recipe.crop_size is not None and recipe.crop_size > min(height, width):
        raise SpecError(
            f"recipe.crop_size {recipe.crop_size} does not fit into images of {height}x{width} pixels "
            f"({data.name}); set data.image_size, or a smaller crop"
        )
    if not data.name.startswith(IMAGE_FOLDER) and data.images > data.info.train_images:
        raise SpecError(f"data.train_images {data.images:,} is more than {data.name} has: {data.info.train_images:,}")
