"""Whether the fields of a declaration have the types that their dataclasses name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from experiments.spec import DataSpec, Recipe, SpecError

# Checked elsewhere, with what is valid: `spec_check`, `check_variants`, `check_ablation`.
FIELDS_ELSEWHERE = {"seeds", "epochs", "kind"}
CLASSES_ELSEWHERE = (Recipe, DataSpec)


def check_types(declared: Any, where: str) -> None:
    """Raise SpecError, one line, for the first field of a dataclass, or of one in it, that has another type.

    where: what the dataclass is, for the message. A list may stand for a tuple.
    """
    hints = get_type_hints(type(declared))
    for field in fields(declared):
        value, kind = getattr(declared, field.name), hints[field.name]
        if field.name not in FIELDS_ELSEWHERE and not _is_one(value, kind):
            shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:57]}..."
            raise SpecError(f"{where}: {field.name} must be {_in_words(kind)}, not {shown}")
        for name, part in _dataclasses_in(value):
            check_types(part, f"{where}, {field.name}{name}")


def _dataclasses_in(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        found = [(f" {key}", part) for key, part in value.items()]
    elif isinstance(value, (list, tuple)):
        found = [(f" {getattr(part, 'name', i)}", part) for i, part in enumerate(value)]
    else:
        found = [("", value)]
    return [
        (name, part)
        for name, part in found
        if is_dataclass(part) and not isinstance(part, type) and not isinstance(part, CLASSES_ELSEWHERE)
    ]


def _is_one(value: Any, kind: Any) -> bool:
    origin, args = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if origin in (Union, UnionType):
        return any(_is_one(value, arg) for arg in args)
    if origin is Literal:
        return value in args
    if origin is tuple:
        return isinstance(value, (tuple, list)) and all(_is_one(part, args[0]) for part in value)
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(_is_one(k, args[0]) and _is_one(v, args[1]) for k, v in value.items())
    if kind in (int, float):
        return isinstance(value, (int, kind)) and not isinstance(value, bool)
    return isinstance(value, kind)


def _in_words(kind: Any) -> str:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return " or ".join(_in_words(arg) for arg in args)
    if origin is Literal:
        return f"one of {', '.join(map(str, args))}"
    if origin is tuple:
        return f"a tuple of {_in_words(args[0]).removeprefix('a ')}"
    if origin is not None:
        return f"a dict of {_in_words(args[1]).removeprefix('a ')} by {_in_words(args[0]).removeprefix('a ')}"
    words = {str: "a text", int: "a whole number", float: "a number", bool: "True or False", NoneType: "None"}
    return words.get(kind) or ("anything" if kind is Any else f"a {kind.__name__}")
