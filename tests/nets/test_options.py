"""Options read off a builder: types, tables, bounds, dataclasses as groups, text as values."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import pytest

from nets.options import Count, OneOf, Option, Positive, options_of_builder, spread

TABLE = {"mean": sum, "largest": max}


@dataclass(frozen=True)
class Kernel:
    side: Count = 3
    taps: tuple[Count, Count] = (1, 2)


@spread
def net(layout, /, *, classes: Count = 10, kernel: Kernel, pool: Annotated[str, OneOf(TABLE)] = "mean"):
    return layout, classes, kernel, pool


def test_a_dataclass_gives_its_fields_as_options_in_its_place():
    options = options_of_builder(net)
    assert {name: option.default for name, option in options.items() if name != "layout"} == {
        "classes": 10, "side": 3, "taps": (1, 2), "pool": "mean",
    }  # fmt: skip
    assert list(options) == ["classes", "side", "taps", "pool"]


def test_the_builder_receives_the_dataclass():
    assert net("deep", side=5, pool="largest") == ("deep", 10, Kernel(side=5), "largest")
    assert net("deep") == ("deep", 10, Kernel(), "mean")


def test_a_preset_binds_the_layout_and_new_defaults():
    preset = partial(net, "deep", side=7)
    assert options_of_builder(preset)["side"] == Option(7, options_of_builder(net)["side"].type)
    assert preset(classes=2) == ("deep", 2, Kernel(side=7), "mean")


def test_a_row_added_at_run_time_is_a_valid_value(monkeypatch):
    option = options_of_builder(net)["pool"]
    assert (option.accepts("smallest"), str(option)) == (False, "mean, largest")
    monkeypatch.setitem(TABLE, "smallest", min)
    assert (option.accepts("smallest"), str(option)) == (True, "mean, largest, smallest")


@pytest.mark.parametrize(
    ("kind", "valid", "invalid", "words"),
    [
        (Count, [1, 7], [0, -1, 1.0, True, "1", None], "a whole number, 1 or more"),
        (Positive, [1, 0.5], [0, -1.0, math.inf, math.nan, True, "wide"], "a number above 0"),
        (float, [1, -0.5], [math.inf, -math.inf, math.nan, False, "0"], "a number"),
        (bool, [True, False], [0, 1, "True"], "True or False"),
        (bool | None, [True, None], ["None"], "True or False or None"),
        (Literal["a", 2], ["a", 2], [2.0, "2"], "a, 2"),
        (
            tuple[Count, Count],
            [(1, 2)],
            [(1, 0), (1,), (1, 2, 3), [1, 2], 1],
            "2 values, each a whole number, 1 or more",
        ),
    ],
)
def test_valid_values_and_their_words(kind, valid, invalid, words):
    option = Option(None, kind)
    assert [value for value in valid if not option.accepts(value)] == []
    assert [value for value in invalid if option.accepts(value)] == []
    assert str(option) == words


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (int, "3", 3), (float, "3", 3), (float, "1e-3", 0.001), (bool, "true", True), (bool | None, "none", None),
        (Annotated[str, OneOf({"none": 0, "1x1": 1})], "none", "none"), (Literal["1x1", 2], "2", 2), (str, "3", "3"),
        (tuple[int, int, int], "4,7,3", (4, 7, 3)), (tuple[str, str], "(4a, 4d)", ("4a", "4d")),
        (int, "wide", "wide"), (float, "nan", "nan"), (Count, "0", "0"),
    ],
)  # fmt: skip
def test_text_is_read_as_the_first_valid_value_or_left_as_text(kind, text, value):
    read = Option(None, kind).parse(text)
    assert read == value
    assert type(read) is type(value)
