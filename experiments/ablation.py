"""What an ablation is: one question, its factors, a baseline, and variants that change the factors alone."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments.check import Factor, Kind, check
from experiments.overrides import Overrides
from experiments.spec import RunSpec, SpecError, flatten, with_changes, with_epochs

__all__ = ["Ablation", "Deviation", "Factor", "Overrides", "Profile", "Variant", "ladder", "with_seed"]


@dataclass(frozen=True)
class Variant:
    """One value of the factor: the paths it sets on the ablation's base, and its row's label in the table.

    factor: the one that it changes, by name: a ladder's step, or a part where two could be meant.
    """

    name: str
    label: str
    changes: Mapping[str, Any]
    factor: str | None = None


@dataclass(frozen=True)
class Profile:
    """How much of the protocol is spent, the same for every variant: changes, length in epochs, seeds.

    epochs: None keeps the recipe's iterations. variants, baseline: those of the ablation that it runs, () for all.
    adapts: factor paths that `changes` may set for the variants that leave them alone, where a factor's usual value
        depends on the data (crops of 4 pixels on CIFAR, of 1 on digits).
    """

    seeds: int
    changes: Mapping[str, Any] = field(default_factory=dict)
    epochs: float | None = None
    variants: tuple[str, ...] = ()
    baseline: str | None = None
    adapts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Deviation:
    """One numbered point in which the bench does not do what the paper did."""

    what: str
    paper: str
    ours: str


@dataclass(frozen=True)
class Ablation:
    """A declared ablation. Building it proves, profile by profile, that its variants are what `kind` says.

    kind: see `experiments.check.check`. factors: dotted paths into RunSpec, or named groups of them; in an ablation of
    one factor all of them are that factor.
    published: the table of analysis/cells.csv that it is compared with, for `paper_net` (None: each variant's own).
    failure_error: percent of test error above which the paper calls a run failed. target_train_error: percent; the
    analysis counts the epochs to it. Raises SpecError, naming variant and path.
    """

    name: str
    question: str
    factors: tuple[str | Factor, ...]
    baseline: str
    base: RunSpec
    variants: tuple[Variant, ...]
    profiles: Mapping[str, Profile]
    kind: Kind = "one_factor"
    published: str | None = None
    paper_net: str | None = None
    failure_error: float | None = None
    target_train_error: float | None = None
    fixed: tuple[str, ...] = ()
    deviations: tuple[Deviation, ...] = ()

    def __post_init__(self) -> None:
        names = [variant.name for variant in self.variants]
        for name in (self.name, *names):  # folders and W&B groups are named after them
            if not re.fullmatch(r"\w[\w.-]*", name):
                raise SpecError(f"{self.name}: {name!r} is no name: letters, digits, '_', '.' and '-' only")
        if len(set(names)) != len(names):
            raise SpecError(f"{self.name}: two variants share a name")
        for name, profile in self.profiles.items():
            unknown = [v for v in (*profile.variants, profile.baseline or self.baseline) if v not in names]
            if unknown:
                what = "baseline" if unknown[0] == (profile.baseline or self.baseline) else "variant"
                raise SpecError(f"{self.name}: the {what} {unknown[0]!r} is not one of {', '.join(names)}")
            for path in sorted(profile.changes):
                if path not in profile.adapts and any(factor.covers(path) for factor in self.groups):
                    raise SpecError(f"{self.name}: profile {name} sets the factor {path}")
            self._prove(name, self._base(profile))

    @property
    def groups(self) -> tuple[Factor, ...]:
        """The factors, each with its paths."""
        return tuple(Factor(f, (f,)) if isinstance(f, str) else f for f in self.factors)

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of all factors, each once."""
        return tuple(dict.fromkeys(path for factor in self.groups for path in factor.paths))

    def profile(self, name: str) -> Profile:
        if name not in self.profiles:
            raise SpecError(f"{self.name} has no profile {name!r}; choose from {', '.join(self.profiles)}")
        return self.profiles[name]

    def variants_of(self, profile: str) -> tuple[Variant, ...]:
        """The variants that a profile runs, in the ablation's order."""
        wanted = self.profile(profile).variants
        return tuple(variant for variant in self.variants if not wanted or variant.name in wanted)

    def baseline_of(self, profile: str) -> str:
        return self.profile(profile).baseline or self.baseline

    def specs(self, profile: str, overrides: Overrides | None = None) -> dict[str, RunSpec]:
        """The variants' specs under a profile, for seed 0. Raises SpecError for what does not exist."""
        overrides = overrides or Overrides()
        base = self._base(self.profile(profile))
        specs = self._prove(profile, overrides.apply(base, self.groups))
        return {name: specs[name] for name in _chosen(self.name, specs, overrides.variants)}

    def levels(self, profile: str, overrides: Overrides | None = None) -> list[dict[str, Any]]:
        """Variant by variant, the value of each factor's first path: {"net.order": "full_preact"}."""
        specs = self.specs(profile, dataclasses.replace(overrides or Overrides(), variants=()))
        return [{f.paths[0]: f.title(flatten(spec)) for f in self.groups} for spec in specs.values()]

    def label(self, variant: str) -> str:
        return next(v.label for v in self.variants if v.name == variant)

    def _base(self, profile: Profile) -> RunSpec:
        spec = with_changes(self.base, profile.changes)
        return spec if profile.epochs is None else with_epochs(spec, profile.epochs)

    def _prove(self, profile: str, base: RunSpec) -> dict[str, RunSpec]:
        variants = self.variants_of(profile)
        specs = {variant.name: with_changes(base, variant.changes) for variant in variants}
        if (baseline := self.baseline_of(profile)) not in specs:
            raise SpecError(f"{self.name}: profile {profile} leaves out its baseline {baseline}")
        check(self.kind, self.name, self.groups, baseline, specs, {v.name: v.factor for v in variants})
        return specs


def ladder(first: Variant, *rungs: Variant) -> tuple[Variant, ...]:
    """Variants that each keep the changes of the one before; a new net does not keep the old net's options."""
    variants = [first]
    for rung in rungs:
        kept = {
            path: value
            for path, value in variants[-1].changes.items()
            if "net.name" not in rung.changes or not path.startswith("net.")
        }
        variants.append(dataclasses.replace(rung, changes={**kept, **rung.changes}))
    return tuple(variants)


def with_seed(spec: RunSpec, seed: int) -> RunSpec:
    return dataclasses.replace(spec, seed=seed)


def _chosen(ablation: str, specs: Mapping[str, RunSpec], wanted: Iterable[str]) -> list[str]:
    if unknown := [name for name in wanted if name not in specs]:
        raise SpecError(f"{ablation} has no variant {unknown[0]!r}; choose from {', '.join(specs)}")
    return [name for name in specs if name in set(wanted)] or list(specs)
