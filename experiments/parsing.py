"""What a command line says as text: seeds, and settings such as recipe.learning_rate=0.05."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Sequence
from typing import Any, get_args, get_origin

from experiments.spec import RunSpec, SpecError, flatten
from experiments.spec_check import MOST_SEEDS, field_types

OWN_OPTIONS = {"seed": "--seeds", "data.name": "--dataset, which also brings the data set's augmentation"}


def seeds_of(text: str) -> tuple[int, ...]:
    """ "5": 0 to 4; "3-7": 3 to 7; "0,2,9": these; parts may be mixed: "0-2,9". Raises SpecError."""
    how = f"--seeds {text}: write a number of seeds (5), a range (3-7), a list (0,2,9) or auto"
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch(r"\d{1,18}(-\d{1,18})?", part) for part in parts):
        raise SpecError(how)
    if len(parts) == 1 and "-" not in text:
        count = int(text)
        if not 1 <= count <= MOST_SEEDS:
            raise SpecError(f"--seeds takes from 1 to {MOST_SEEDS:,} seeds, not {count:,}")
        return tuple(range(count))
    ranges = [part.partition("-") for part in parts]
    bounds = [(int(low), int(high or low)) for low, _, high in ranges]
    if any(low > high for low, high in bounds):
        raise SpecError(how)
    if sum(high - low + 1 for low, high in bounds) > MOST_SEEDS:
        raise SpecError(f"--seeds takes from 1 to {MOST_SEEDS:,} seeds, not {text}")
    return tuple(sorted({seed for low, high in bounds for seed in range(low, high + 1)}))


def setting_of(text: str, spec: RunSpec) -> tuple[str, Any]:
    """ "recipe.learning_rate=0.05" as ("recipe.learning_rate", 0.05), its value of the type of the spec's field.

    Raises SpecError for a field that the spec does not have, with the most similar one. A value that cannot be read
    as the field's type stays a text, which `spec_check.check` refuses.
    """
    path, equals, value = (part.strip() for part in text.partition("="))
    if not equals:
        raise SpecError(f"--set {text}: write FIELD=VALUE, for example --set recipe.learning_rate=0.05")
    known = flatten(spec)
    if path in OWN_OPTIONS:
        raise SpecError(f"--set {path}: use {OWN_OPTIONS[path]}")
    if path not in known:
        near = difflib.get_close_matches(path, known, n=1, cutoff=0.5)
        same_end = [name for name in known if name.rpartition(".")[2] == path.rpartition(".")[2]]
        hint = next((f"did you mean {name}? " for name in (*same_end, *near)), "")
        raise SpecError(f"--set {path}: a spec has no such field; {hint}it has {', '.join(known)}")
    if path.startswith("net.") and path != "net.name":
        import nets

        return path, nets.options_of(spec.net.name)[path.removeprefix("net.")].parse(value)
    return path, _read(value, field_types(spec).get(path, str))


def _read(text: str, kind: Any) -> Any:
    """`text` as a Python value where it is one, else unchanged; an int for a float field becomes a float."""
    if kind is str:
        return text
    try:
        value = ast.literal_eval({"true": "True", "false": "False", "none": "None"}.get(text, text))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    kinds: Sequence[Any] = get_args(kind) or (kind,)
    if isinstance(value, list):
        value = tuple(value)
    takes_tuple = get_origin(kind) is tuple or any(get_origin(one) is tuple for one in kinds)
    if takes_tuple and isinstance(value, (int, float)) and not isinstance(value, bool):
        value = (value,)
    return float(value) if type(value) is int and float in kinds and int not in kinds else value
