"""The options of a net, read off the signature of its builder: names, defaults and valid values."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class OneOf:
    """Marks a type whose values are the names in a table: `Annotated[str, OneOf(TABLE)]`.

    The table is read at every check, so a row added at run time is valid at once.
    """

    table: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Where:
    """Marks a number that must satisfy a condition; `words` describe the valid values in full."""

    holds: Callable[[Any], bool]
    words: str


Count = Annotated[int, Where(lambda value: value >= 1, "a whole number, 1 or more")]
CountOrZero = Annotated[int, Where(lambda value: value >= 0, "a whole number, 0 or more")]
Positive = Annotated[float, Where(lambda value: value > 0, "a number above 0")]
NonNegative = Annotated[float, Where(lambda value: value >= 0, "a number, 0 or more")]
Probability = Annotated[float, Where(lambda value: 0 <= value <= 1, "a number from 0 to 1")]
ProbabilityBelow1 = Annotated[float, Where(lambda value: 0 <= value < 1, "a number from 0 to below 1")]


@dataclass(frozen=True)
class Option:
    """One option of a net: its default, and its type, which may be a union, a Literal or Annotated (see OneOf)."""

    default: Any
    type: Any

    @property
    def kinds(self) -> tuple[Any, ...]:
        """The members of a union; of any other type, itself."""
        return get_args(self.type) if get_origin(self.type) in (Union, UnionType) else (self.type,)

    @property
    def choices(self) -> list[Any]:
        """All values of the kinds that can be listed: names, both booleans, None."""
        return [value for kind in self.kinds for value in _listed(kind)]

    def accepts(self, value: Any) -> bool:
        """Whether `value` is valid. A float option takes an int too; numbers must be finite and are never booleans."""
        return any(_accepts(kind, value) for kind in self.kinds)

    def parse(self, text: str) -> Any:
        """The first valid value that `text` can be read as: a name, True, None, 2, 0.5 or 4,7,3; else `text` itself."""
        parts = text.strip("()").split(",")
        readings = (*_readings(text), *([tuple(next(_readings(part.strip())) for part in parts)] if parts[1:] else ()))
        return next((value for value in readings if self.accepts(value)), text)

    def __str__(self) -> str:
        """The valid values in words: "A, B, C" or "a number above 0"."""
        return " or ".join(_in_words(kind) for kind in self.kinds)


@functools.cache
def options_of_builder(make: Callable[..., Any]) -> Mapping[str, Option]:
    """The options of a builder by name: all parameters that can be passed by keyword.

    A `functools.partial` gives the layout by position and new defaults by keyword.
    """
    return {
        p.name: Option(p.default, p.annotation)
        for p in inspect.signature(make, eval_str=True).parameters.values()
        if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)
    }


def spread(builder: Callable[..., T]) -> Callable[..., T]:
    """`builder(*, spec: Spec)` as `builder(*, first=..., second=...)`, with the fields of the dataclass as options.

    So a dataclass is the only place that states the options it groups. Every keyword-only parameter without a
    default whose type is a dataclass is replaced, in its place, by the fields of that dataclass.
    """
    signature = inspect.signature(builder, eval_str=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, type[Any]] = {}
    for parameter in signature.parameters.values():
        if parameter.default is parameter.empty and parameter.kind is parameter.KEYWORD_ONLY:
            groups[parameter.name] = parameter.annotation
            parameters += _fields_as_parameters(parameter.annotation)
        else:
            parameters.append(parameter)

    @wraps(builder)
    def build(*args: Any, **options: Any) -> T:
        for name, group in groups.items():
            names = [field.name for field in dataclasses.fields(group) if field.name in options]
            options[name] = group(**{key: options.pop(key) for key in names})
        return builder(*args, **options)

    build.__signature__ = signature.replace(parameters=parameters)  # ty: ignore[missing-attribute]
    return build


def _fields_as_parameters(group: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in dataclasses.fields(group)
    ]


def _accepts(kind: Any, value: Any) -> bool:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _accepts(arguments[0], value) and all(_satisfies(mark, value) for mark in arguments[1:])
    if origin is Literal:
        return any(value == choice and type(value) is type(choice) for choice in arguments)
    if origin is tuple and Ellipsis not in arguments:
        fits = isinstance(value, tuple) and len(value) == len(arguments)
        return fits and all(map(_accepts, arguments, value))
    if kind in (int, float):
        number = isinstance(value, int | float if kind is float else int) and not isinstance(value, bool)
        return number and math.isfinite(value)
    return kind in (Any, inspect.Parameter.empty) or isinstance(value, origin or kind)


def _satisfies(mark: Any, value: Any) -> bool:
    if isinstance(mark, OneOf):
        return value in mark.table
    return not isinstance(mark, Where) or mark.holds(value)


def _listed(kind: Any) -> list[Any]:
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    tables = [mark.table for mark in get_args(kind)[1:] if isinstance(mark, OneOf)]
    return [name for table in tables for name in table] + {bool: [True, False], type(None): [None]}.get(kind, [])


def _in_words(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        words = [mark.words for mark in arguments[1:] if isinstance(mark, Where)]
        return " and ".join(words) or ", ".join(_listed(kind)) or _in_words(arguments[0])
    if origin is Literal:
        return ", ".join(map(str, arguments))
    if origin is tuple and Ellipsis not in arguments:
        return f"{len(arguments)} values, each {' / '.join(dict.fromkeys(map(_in_words, arguments)))}"
    words = {int: "a whole number", float: "a number", bool: "True or False", str: "text", type(None): "None"}
    return words.get(kind) or getattr(kind, "__name__", str(kind))


def _readings(text: str) -> Iterator[Any]:
    """`text` as bool, None, int and float where it can be one, and as it is."""
    constants = {"true": True, "false": False, "none": None}
    if text.lower() in constants:
        yield constants[text.lower()]
    for number in (int, float):
        try:
            yield number(text)
        except ValueError:
            continue
    yield text
