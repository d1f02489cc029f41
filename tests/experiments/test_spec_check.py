"""Every field has a type and bounds; a wrong value is refused in one line that says what would be right."""

import math

import pytest

from experiments.datasets import DataError
from experiments.spec import DataSpec, NetSpec, RunSpec, SpecError, with_changes, with_epochs
from experiments.spec_check import BOUNDS, check, field_types, fits

NUMBERS = {path: kind for path, kind in field_types(RunSpec()).items() if "int" in str(kind) or "float" in str(kind)}


def refusal(changes: dict) -> str:
    with pytest.raises(SpecError) as caught:
        check(with_changes(RunSpec(), changes))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_default_is_sound():
    assert check(RunSpec()) == RunSpec()


def test_every_number_has_bounds():
    assert set(NUMBERS) == set(BOUNDS)


@pytest.mark.parametrize("path", NUMBERS)
@pytest.mark.parametrize("value", [-1, math.nan, math.inf, -math.inf, "0.1", "fast", True, [1]])
def test_no_number_takes_a_negative_or_infinite_value_or_another_type(path, value):
    assert refusal({path: value}).startswith(f"{path} takes ")


@pytest.mark.parametrize("path", [path for path, kind in NUMBERS.items() if "int" in str(kind)])
def test_whole_numbers_have_no_fraction(path):
    assert f"{path} takes a whole number" in refusal({path: 32.5})


@pytest.mark.parametrize(
    ("path", "low", "high"),
    [
        ("recipe.batch_size", 1, None),
        ("recipe.iterations", 1, 10**9),
        ("recipe.ema", 0, 0.9999),
        ("recipe.momentum", 0, 0.99),
        ("recipe.weight_decay", 0, None),
        ("data.train_images", 1, 50_000),
        ("threads", 1, 1024),
    ],
)
def test_the_ends_of_a_range_are_accepted(path, low, high):
    for value in (low, high):
        if value is not None:
            check(with_changes(RunSpec(), {path: value}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe.learning_rate": "fast"}, "recipe.learning_rate takes a number above 0, not 'fast'"),
        ({"recipe.learning_rate": 0}, "recipe.learning_rate takes a number above 0, not 0"),
        ({"recipe.batch_size": 32.5}, "recipe.batch_size takes a whole number above 0, not 32.5"),
        ({"recipe.clip_norm": 0.0}, "recipe.clip_norm takes a number above 0 or None, not 0.0"),
        ({"recipe.ema": 1.0}, "recipe.ema takes a number of at least 0 and below 1 or None, not 1.0"),
        ({"recipe.flip": 1}, "recipe.flip takes True or False, not 1"),
        ({"recipe.milestones": (0.75, 0.5)}, "takes a tuple of numbers above 0 and below 1, in increasing order, not"),
        ({"recipe.milestones": (0.5, 1.5)}, "takes a tuple of numbers above 0 and below 1, in increasing order, not"),
        ({"recipe.milestones": [0.5]}, "takes a tuple of numbers above 0 and below 1, in increasing order, not [0.5]"),
        ({"recipe.crop_area": (0.5, 0.2)}, "recipe.crop_area takes a tuple of 2 numbers with 0 < low <= high <= 1"),
        ({"recipe.crop_area": (0.5,)}, "recipe.crop_area takes a tuple of 2 numbers"),
        ({"data.normalisation": "mean"}, "data.normalisation takes one of pixel_mean, channel, not 'mean'"),
        ({"recipe.precision": "fp8"}, "recipe.precision takes one of fp32, tf32, bf16, not 'fp8'"),
        ({"device": "tpu"}, "device takes one of cpu, cuda, mps, not 'tpu'"),
        ({"threads": 100_000}, "threads takes a whole number from 1 to 1,024, not 100000"),
        ({"recipe.iterations": 10**300}, "recipe.iterations takes a whole number from 1 to 1,000,000,000"),
        ({"data.train_images": 50_001}, "data.train_images 50,001 is more than cifar10 has: 50,000"),
        ({"recipe.test_crops": "ten"}, "recipe.test_crops = 'ten' needs recipe.crop_size"),
        ({"recipe.crop_size": 33}, "recipe.crop_size 33 does not fit into images of 32x32 pixels (cifar10)"),
        ({"data.name": "imagefolder:/nowhere", "recipe.crop_size": 299}, "does not fit into images of 224x224"),
        ({"recipe.precision": "tf32"}, "recipe.precision tf32 needs a CUDA device"),
        ({"recipe.nesterov": True, "recipe.momentum": 0.0}, "recipe.nesterov needs recipe.momentum above 0"),
        ({"net": NetSpec("resnet111")}, "unknown net 'resnet111'; did you mean resnet110?"),
        ({"net.odrer": "original"}, "resnet110 has no option 'odrer'; it has num_classes"),
        ({"net.width": "wide"}, "net.width cannot be 'wide'; resnet110 takes a number above 0"),
        ({"net.gate_bias": True}, "net.gate_bias cannot be True; resnet110 takes a number"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(changes, message):
    assert message in refusal(changes)


def test_an_unknown_data_set_is_refused():
    with pytest.raises(DataError, match="unknown data set 'cifar'; choose from digits"):
        check(RunSpec(data=DataSpec("cifar")))


@pytest.mark.parametrize("epochs", [0, -1, math.inf, math.nan, "3", True, None])
def test_a_length_is_a_number_above_0(epochs):
    with pytest.raises(SpecError, match="a length in epochs is a number above 0, not"):
        with_epochs(RunSpec(), epochs)


def test_flattening_checks_nothing():
    """A wrong value can still be shown, hashed and compared."""
    assert with_changes(RunSpec(), {"recipe.learning_rate": -1}).hash8 != RunSpec().hash8


@pytest.mark.parametrize(
    ("value", "kind", "is_one"),
    [
        (1, float, True),
        (1.0, int, False),
        (True, int, False),
        (None, int | None, True),
        ((0.5, 1), tuple[float, ...], True),
        ([0.5], tuple[float, ...], False),
        ((0.1, 0.2, 0.3), tuple[float, float], False),
    ],
)
def test_types(value, kind, is_one):
    assert fits(value, kind) is is_one
