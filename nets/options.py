"""The options of a net, read off the signature of its builder."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Option:
    """One option: its default and its type, which may be a Literal of choices or a union."""

    default: Any
    type: Any

    @property
    def kinds(self) -> tuple[Any, ...]:
        return get_args(self.type) if get_origin(self.type) in (Union, UnionType) else (self.type,)

    def accepts(self, value: Any) -> bool:
        """Whether `value` is of the type; an int stands for a float, a bool for neither."""
        return any(_is_a(value, kind) for kind in self.kinds)

    def __str__(self) -> str:
        """The values it takes, as a help text says them: "A, B, C" or "float"."""
        return " or ".join(_spell(kind) for kind in self.kinds)


def options_of_builder(make: Callable[..., Any]) -> dict[str, Option]:
    """Keyword-only parameters by name; what a `partial` binds by keyword counts as their default."""
    hints = get_type_hints(make.func if isinstance(make, partial) else make)
    return {
        p.name: Option(p.default, hints[p.name])
        for p in inspect.signature(make).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    }


def _is_a(value: Any, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return any(value == choice and type(value) is type(choice) for choice in get_args(kind))
    if kind in (int, float):
        return isinstance(value, (int, float) if kind is float else int) and not isinstance(value, bool)
    return isinstance(value, get_origin(kind) or kind)


def _spell(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(map(str, get_args(kind)))
    if kind is type(None):
        return "None"
    return str(kind) if get_args(kind) else kind.__name__
