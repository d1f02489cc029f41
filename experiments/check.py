"""Whether the variants of an ablation change what it declares and nothing else, for each of the four kinds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.schema import Kind
from experiments.spec import RunSpec, SpecError, flatten

Flat = Mapping[str, Any]


@dataclass(frozen=True)
class Factor:
    """Dotted paths into RunSpec that change together, under one name. "net" covers every path below it.

    The first path names the factor's levels in the logs: in a factorial its value tells them apart.
    """

    name: str
    paths: tuple[str, ...]

    def covers(self, path: str) -> bool:
        return any(path == own or path.startswith(f"{own}.") for own in self.paths)

    def level(self, flat: Flat) -> tuple[tuple[str, Any], ...]:
        """The values of all paths."""
        return tuple(sorted((path, value) for path, value in flat.items() if self.covers(path)))

    def title(self, flat: Flat) -> Any:
        """The value of its first path; of a whole net, its name."""
        value = flat["net.name"] if self.paths[0] == "net" else flat.get(self.paths[0])
        return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Declared:
    """One profile of an ablation, all fields spelled out. chosen: the factor that each variant names, or None."""

    name: str
    factors: tuple[Factor, ...]
    baseline: str
    flat: Mapping[str, Flat]
    chosen: Mapping[str, str | None]

    def factor(self, variant: str) -> Factor | None:
        """The factor that `variant` names. Raises SpecError for one that is not declared."""
        name = self.chosen[variant]
        if name is None:
            return None
        found = [factor for factor in self.factors if factor.name == name]
        if not found:
            known = ", ".join(factor.name for factor in self.factors)
            raise SpecError(f"{self.name}/{variant} names the factor {name!r}; declared are {known}")
        return found[0]


def check_variants(
    kind: Kind, name: str, factors: Sequence[Factor], baseline: str, specs: Mapping[str, RunSpec],
    chosen: Mapping[str, str | None],
) -> None:  # fmt: skip
    """Raise SpecError, naming variant and path, unless the variants are what `kind` says:

    one_factor: each differs from the baseline in the declared paths alone. parts: in exactly one factor.
    factorial: the variants are the full cross of the factors' levels. ladder: each differs from the one before it in
    exactly the factor that it names.
    """
    flat = {variant: flatten(spec) for variant, spec in specs.items()}
    if kind not in CHECKS:
        raise SpecError(f"{name}: the kind {kind!r} is not one of {', '.join(CHECKS)}")
    CHECKS[kind](Declared(name, tuple(factors), baseline, flat, chosen))


def changed(flat: Flat, base: Flat) -> set[str]:
    """The paths whose values differ, or that only one of the two has."""
    return {path for path in base.keys() | flat.keys() if flat.get(path) != base.get(path)}


def one_factor(declared: Declared) -> None:
    base = declared.flat[declared.baseline]
    for variant, flat in declared.flat.items():
        paths = changed(flat, base)
        _refuse_undeclared(declared, variant, paths, declared.factors)
        if not paths and variant != declared.baseline:
            raise SpecError(f"{declared.name}/{variant} does not differ from the baseline {declared.baseline}")


def parts(declared: Declared) -> None:
    one_factor(declared)
    base = declared.flat[declared.baseline]
    for variant, flat in declared.flat.items():
        paths = changed(flat, base)
        if own := declared.factor(variant):
            _refuse_undeclared(declared, variant, paths, (own,))
            continue
        covering = [factor.name for factor in declared.factors if all(map(factor.covers, paths))]
        if paths and not covering:
            raise SpecError(
                f"{declared.name}/{variant} changes {', '.join(sorted(paths))}, which belong to more than one factor; "
                "in an ablation of parts each variant changes one"
            )
        if paths and len(covering) > 1:
            raise SpecError(
                f"{declared.name}/{variant} could belong to the factors {', '.join(covering)}; "
                f"name one: Variant(..., factor={covering[0]!r})"
            )


def factorial(declared: Declared) -> None:
    one_factor(declared)
    holders: dict[tuple[Any, ...], str] = {}
    for variant, flat in declared.flat.items():
        levels = tuple(factor.level(flat) for factor in declared.factors)
        if other := holders.get(levels):
            raise SpecError(f"{declared.name}/{variant} has the same levels as {other}")
        holders[levels] = variant
    each = [list(dict.fromkeys(levels[i] for levels in holders)) for i in range(len(declared.factors))]
    for factor, levels in zip(declared.factors, each, strict=True):
        if len(levels) < 2:
            raise SpecError(f"{declared.name}: the factor {factor.name} has only one level; a factorial needs two")
        titles = {_key(factor.title(dict(level))) for level in levels}
        if len(titles) < len(levels):
            raise SpecError(f"{declared.name}: two levels of {factor.name} have the same {factor.paths[0]}")
    for levels in itertools.product(*each):
        if levels not in holders:
            wanted = (
                f"{f.paths[0]} = {f.title(dict(level))}" for f, level in zip(declared.factors, levels, strict=True)
            )
            raise SpecError(f"{declared.name}: a factorial has every combination; no variant has {', '.join(wanted)}")


def ladder(declared: Declared) -> None:
    names = list(declared.flat)
    if names[0] != declared.baseline:
        raise SpecError(f"{declared.name}: a ladder starts at its baseline, not at {names[0]}")
    for before, variant in itertools.pairwise(names):
        step = declared.factor(variant)
        if step is None:
            raise SpecError(f"{declared.name}/{variant} names no step: Variant(..., factor=...)")
        paths = changed(declared.flat[variant], declared.flat[before])
        _refuse_undeclared(declared, variant, paths, (step,), f" from {before}")
        if not paths:
            raise SpecError(f"{declared.name}/{variant} does not differ from {before}")


CHECKS: dict[str, Callable[[Declared], None]] = {
    "one_factor": one_factor,
    "parts": parts,
    "factorial": factorial,
    "ladder": ladder,
}


def _refuse_undeclared(
    declared: Declared, variant: str, paths: set[str], factors: Sequence[Factor], since: str = ""
) -> None:
    extra = sorted(path for path in paths if not any(factor.covers(path) for factor in factors))
    if extra:
        own = ", ".join(factor.name for factor in factors)
        plural = "factors are" if len(factors) > 1 else "factor is"
        raise SpecError(
            f"{declared.name}/{variant} also changes {', '.join(extra)}{since}; its declared {plural} {own}"
        )


def _key(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
