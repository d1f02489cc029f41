"""What an ablation is: one question, its factor, a baseline and variants that differ from it in the factor alone."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments.datasets import DATASETS
from experiments.spec import RunSpec, SpecError, flatten, with_changes, with_epochs


@dataclass(frozen=True)
class Variant:
    """One value of the factor: the paths it sets on the ablation's base, and its row's label in the table."""

    name: str
    label: str
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Profile:
    """How much of the protocol is spent, the same for every variant: changes, length in epochs, seeds.

    epochs: None keeps the recipe's iterations.
    """

    seeds: int
    changes: Mapping[str, Any] = field(default_factory=dict)
    epochs: float | None = None


@dataclass(frozen=True)
class Deviation:
    """One numbered point in which the bench does not do what the paper did."""

    what: str
    paper: str
    ours: str


@dataclass(frozen=True)
class Ablation:
    """A declared ablation. Building it proves that every variant changes the declared factors alone.

    factors: dotted paths into RunSpec. published: the table of analysis/published.csv that it is compared with,
    for `paper_net`. failure_error: percent of test error above which the paper calls a run failed.
    Raises SpecError, naming variant and path, otherwise.
    """

    name: str
    question: str
    factors: tuple[str, ...]
    baseline: str
    base: RunSpec
    variants: tuple[Variant, ...]
    profiles: Mapping[str, Profile]
    published: str | None = None
    paper_net: str | None = None
    failure_error: float | None = None
    fixed: tuple[str, ...] = ()
    deviations: tuple[Deviation, ...] = ()

    def __post_init__(self) -> None:
        names = [variant.name for variant in self.variants]
        if len(set(names)) != len(names):
            raise SpecError(f"{self.name}: two variants share a name")
        if self.baseline not in names:
            raise SpecError(f"{self.name}: the baseline {self.baseline!r} is not one of {', '.join(names)}")
        for profile_name, profile in self.profiles.items():
            if touched := sorted(set(profile.changes) & set(self.factors)):
                raise SpecError(f"{self.name}: profile {profile_name} sets the factor {touched[0]}")
            check_one_factor(self, {v.name: with_changes(self._base(profile), v.changes) for v in self.variants})

    def _base(self, profile: Profile) -> RunSpec:
        spec = with_changes(self.base, profile.changes)
        return spec if profile.epochs is None else with_epochs(spec, profile.epochs)

    def specs(self, profile: str, overrides: Overrides | None = None) -> dict[str, RunSpec]:
        """The variants' specs under a profile, for seed 0. Raises SpecError for what does not exist."""
        if profile not in self.profiles:
            raise SpecError(f"{self.name} has no profile {profile!r}; choose from {', '.join(self.profiles)}")
        overrides = overrides or Overrides()
        base = overrides.apply(self._base(self.profiles[profile]), self.factors)
        specs = {variant.name: with_changes(base, variant.changes) for variant in self.variants}
        check_one_factor(self, specs)
        return {name: specs[name] for name in _chosen(self, overrides.variants)}

    def label(self, variant: str) -> str:
        return next(v.label for v in self.variants if v.name == variant)


@dataclass(frozen=True)
class Overrides:
    """What a command line changes, for every variant alike."""

    variants: tuple[str, ...] = ()
    dataset: str | None = None
    depth: int | None = None
    epochs: float | None = None
    device: str | None = None
    threads: int | None = None

    def apply(self, spec: RunSpec, factors: tuple[str, ...]) -> RunSpec:
        """`spec` with these changes; a data set brings its usual augmentation, and keeps the length in epochs."""
        changes: dict[str, Any] = {}
        epochs = self.epochs
        if self.dataset is not None and self.dataset != spec.data.name:
            info = DATASETS.get(self.dataset)
            if info is None:
                raise SpecError(f"unknown data set {self.dataset!r}; choose from {', '.join(DATASETS)}")
            epochs = spec.recipe.iterations * spec.recipe.batch_size / spec.data.images if epochs is None else epochs
            changes |= {"data.name": info.name, "data.train_images": None}
            changes |= {"recipe.crop_padding": info.crop_padding, "recipe.flip": info.flip}
        if self.depth is not None:
            changes["net.name"] = re.sub(r"\d+$", str(self.depth), spec.net.name)
        changes |= {k: v for k, v in (("device", self.device), ("threads", self.threads)) if v is not None}
        if touched := sorted(set(changes) & set(factors)):
            raise SpecError(f"{touched[0]} is the factor of this ablation and cannot be set for all variants")
        try:
            spec = with_changes(spec, changes)
            flatten(spec)
        except ValueError as error:
            raise SpecError(str(error)) from None
        return spec if epochs is None else with_epochs(spec, epochs)


def _chosen(ablation: Ablation, wanted: Iterable[str]) -> list[str]:
    names = [variant.name for variant in ablation.variants]
    if unknown := [name for name in wanted if name not in names]:
        raise SpecError(f"{ablation.name} has no variant {unknown[0]!r}; choose from {', '.join(names)}")
    return [name for name in names if name in set(wanted)] or names


def check_one_factor(ablation: Ablation, specs: Mapping[str, RunSpec]) -> None:
    """Every variant differs from the baseline in the declared factors alone, and in one of them at least."""
    base = flatten(specs[ablation.baseline])
    for name, spec in specs.items():
        flat = flatten(spec)
        changed = {path for path in base.keys() | flat.keys() if flat.get(path) != base.get(path)}
        if extra := sorted(changed - set(ablation.factors)):
            raise SpecError(
                f"{ablation.name}/{name} also changes {', '.join(extra)}; "
                f"its declared factor is {', '.join(ablation.factors)}"
            )
        if not changed and name != ablation.baseline:
            raise SpecError(f"{ablation.name}/{name} does not differ from the baseline {ablation.baseline}")


def with_seed(spec: RunSpec, seed: int) -> RunSpec:
    return dataclasses.replace(spec, seed=seed)
