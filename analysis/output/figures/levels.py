"""The levels of factors in words: ResNet-110, with LRN, learning rate 0.1."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from analysis.published import cells
from analysis.study.values import is_number

FACTOR_NAMES: Mapping[str, str] = {"lrn": "LRN"}
LEVEL_NAMES: Mapping[tuple[str, str], str] = {
    ("shortcut", "none"): "plain",
    ("shortcut", "identity"): "residual",
    ("activation", "relu"): "ReLU",
    ("order", "full_preact"): "full pre-activation",
}


def depth_of(factor: str, value: Any) -> int | None:
    """20 for net.name = "resnet20" or net.depth = 20; None for any other factor."""
    if factor.endswith("depth") and is_number(value):
        return int(value)
    if factor in ("net", "net.name") and isinstance(value, str) and (match := re.fullmatch(r"[a-z]+(\d+)", value)):
        return int(match[1])
    return None


def factor_text(factor: str) -> str:
    """net.name is "net", recipe.learning_rate "learning rate"."""
    name = factor.removesuffix(".name").rpartition(".")[2]
    return FACTOR_NAMES.get(name, name.replace("_", " "))


def level_text(factor: str, value: Any, *, alone: bool = False) -> str:
    """A level in words: with, plain, ResNet-110, 0.1. alone: with LRN, learning rate 0.1."""
    named = f" {factor_text(factor)}" if alone else ""
    if isinstance(value, bool):
        return ("with" if value else "without") + named
    if is_number(value):
        return f"{named} {value:g}".strip()
    name = LEVEL_NAMES.get((factor.rpartition(".")[2], value)) if isinstance(value, str) else None
    return name or cells.title(str(value)).replace("_", " ")
