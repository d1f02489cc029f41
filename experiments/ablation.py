"""What an ablation is: one question, its factors, a baseline, and variants that change the factors alone."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from analysis.published.recipes import RECIPES
from analysis.schema import Kind
from experiments.check import Factor, check_variants
from experiments.declared_types import check_types
from experiments.overrides import Overrides, lacks_images
from experiments.recipes import IMAGENET
from experiments.spec import RunSpec, SpecError, flatten, with_changes, with_epochs
from experiments.spec_check import MOST_SEEDS, check
from experiments.user_file import UserFile

__all__ = ["Ablation", "Deviation", "Factor", "Overrides", "Profile", "Variant", "check_ablation", "ladder"]


@dataclass(frozen=True)
class Variant:
    """One value of the factor: the paths that it sets on the ablation's base, and the label of its row in the table.

    factor: the name of the factor that it changes: a ladder's step, or a part where two would be possible.
    """

    name: str
    label: str
    changes: Mapping[str, Any]
    factor: str | None = None


@dataclass(frozen=True)
class Profile:
    """How much of the protocol is spent, alike for every variant: changes, length in epochs, number of seeds.

    epochs: None keeps the recipe's iterations. variants, baseline: those of the ablation that it runs, () for all.
    adapts: factor paths that `changes` may set for the variants that leave them alone, where a factor's usual value
        depends on the data (crops padded by 4 pixels on CIFAR, by 1 on digits).
    """

    seeds: int
    changes: Mapping[str, Any] = field(default_factory=dict)
    epochs: float | None = None
    variants: tuple[str, ...] = ()
    baseline: str | None = None
    adapts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Deviation:
    """One numbered point in which this program does not do what the paper did.

    ours: may name settings of the runs in braces, as str.format does: any field of the recipe, `images` (of the
    training set), `epochs` and `bn_images` (whose statistics are taken together). profiles: where it holds, () for all.
    """

    what: str
    paper: str
    ours: str
    profiles: tuple[str, ...] = ()

    def of(self, spec: RunSpec) -> Deviation:
        """With the settings of these runs. Raises SpecError, one line, for braces that name none."""
        images = IMAGENET if lacks_images(spec) else spec.data.images
        epochs = (spec.recipe.iterations - 1) * spec.recipe.batch_size // images + 1
        settings = {**vars(spec.recipe), "images": images, "epochs": epochs}
        settings |= {"bn_images": spec.recipe.batch_size // (spec.recipe.bn_groups or 1)}
        try:
            return dataclasses.replace(self, ours=self.ours.format_map(settings))
        except (KeyError, ValueError, IndexError) as error:
            raise SpecError(
                f"the deviation {self.what!r} has braces in {self.ours!r} that name no setting ({error}); double them"
            ) from None


@dataclass(frozen=True)
class Ablation:
    """A declared ablation; `check_ablation` checks that its variants are what `kind` says.

    kind: see `experiments.check.check_variants`. factors: dotted paths into RunSpec, or named groups of them; in an
        ablation of one factor all of them are that factor.
    published: the table of analysis/published/cells.csv that it is compared with, for `paper_net` (None: each
        variant's own net).
    failure_error: percent of test error above which the paper calls a run failed.
    target_train_error: percent of training error; the analysis counts the epochs to it.
    file: the user's own file that declares it, filled in when it is loaded.
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
    file: UserFile | None = None

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
        """The variants' specs under a profile, for seed 0, checked. Raises SpecError or DataError."""
        overrides = overrides or Overrides()
        base = overrides.apply(_base(self, self.profile(profile)), self.groups)
        specs = {variant.name: with_changes(base, variant.changes) for variant in self.variants_of(profile)}
        if (baseline := self.baseline_of(profile)) not in specs:
            raise SpecError(f"{self.name}: profile {profile} leaves out its baseline {baseline}")
        check_variants(
            self.kind, self.name, self.groups, baseline, specs, {v.name: v.factor for v in self.variants}
        )  # fmt: skip
        for name, spec in specs.items():
            try:
                check(spec)
            except SpecError as error:
                raise SpecError(f"{self.name}/{name}: {error}") from None
        return {name: specs[name] for name in _chosen(self.name, specs, overrides.variants)}

    def levels(self, profile: str, overrides: Overrides | None = None) -> list[dict[str, Any]]:
        """For each variant the value of each factor's first path: {"net.order": "full_preact"}."""
        specs = self.specs(profile, dataclasses.replace(overrides or Overrides(), variants=()))
        return [{f.paths[0]: f.title(flatten(spec)) for f in self.groups} for spec in specs.values()]

    def deviations_of(self, profile: str, overrides: Overrides | None = None) -> list[Deviation]:
        """Those of the runs of a profile, in words that fit their settings."""
        specs = self.specs(profile, dataclasses.replace(overrides or Overrides(), variants=()))
        held = [deviation for deviation in self.deviations if profile in (deviation.profiles or (profile,))]
        return [deviation.of(specs[self.baseline_of(profile)]) for deviation in held]

    def label(self, variant: str) -> str:
        return next(v.label for v in self.variants if v.name == variant)


def check_ablation(ablation: Ablation) -> Ablation:
    """This ablation. Raises SpecError, naming variant and field, unless every profile is sound.

    Names can be folders, profiles name variants that exist and leave the factors alone, every spec can be run, and
    the variants differ from the baseline as the ablation's kind says.
    """
    check_types(ablation, "ABLATION")
    if ablation.published is not None and ablation.published not in RECIPES:
        raise SpecError(f"{ablation.name}: published {ablation.published!r} is not one of {', '.join(RECIPES)}")
    names = [variant.name for variant in ablation.variants]
    for name in (ablation.name, *names):  # folders and W&B groups are named after them
        if not re.fullmatch(r"\w[\w.-]*", name):
            whose = "" if name == ablation.name else f"{ablation.name}: "
            raise SpecError(f"{whose}{name!r} is not a valid name: use letters, digits, '_', '.' and '-'")
    if len(set(names)) != len(names):
        raise SpecError(f"{ablation.name}: two variants share a name")
    if not names:
        raise SpecError(f"{ablation.name} has no variants; give the baseline and at least one other")
    if not ablation.profiles:
        raise SpecError(f"{ablation.name} has no profile; give at least one: profiles={{'quick': Profile(seeds=3)}}")
    for name, profile in ablation.profiles.items():
        _check_profile(ablation, name, profile)
        ablation.deviations_of(name)
    return ablation


def check_seeds(count: Any, what: str) -> None:
    """Raise SpecError unless `count`, called `what`, is a number of seeds."""
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_SEEDS:
        raise SpecError(f"{what} must be a whole number from 1 to {MOST_SEEDS:,}, not {count!r}")


def ladder(first: Variant, *steps: Variant) -> tuple[Variant, ...]:
    """Variants that each keep the changes of the one before; a new net does not keep the old net's options."""
    variants = [first]
    for step in steps:
        kept = {
            path: value
            for path, value in variants[-1].changes.items()
            if "net.name" not in step.changes or not path.startswith("net.")
        }
        variants.append(dataclasses.replace(step, changes={**kept, **step.changes}))
    return tuple(variants)


def _check_profile(ablation: Ablation, name: str, profile: Profile) -> None:
    known = [variant.name for variant in ablation.variants]
    baseline = profile.baseline or ablation.baseline
    check_seeds(profile.seeds, f"{ablation.name}: the seeds of profile {name}")
    for variant in (*profile.variants, baseline):
        if variant not in known:
            what = "baseline" if variant == baseline else "variant"
            raise SpecError(f"{ablation.name}: the {what} {variant!r} is not one of {', '.join(known)}")
    for path in sorted(profile.changes):
        if path not in profile.adapts and any(factor.covers(path) for factor in ablation.groups):
            raise SpecError(f"{ablation.name}: profile {name} sets the factor {path}")


def _base(ablation: Ablation, profile: Profile) -> RunSpec:
    spec = with_changes(ablation.base, profile.changes)
    return spec if profile.epochs is None else with_epochs(spec, profile.epochs)


def _chosen(ablation: str, specs: Mapping[str, RunSpec], wanted: Iterable[str]) -> list[str]:
    if unknown := [name for name in wanted if name not in specs]:
        raise SpecError(f"{ablation} has no variant {unknown[0]!r}; choose from {', '.join(specs)}")
    return [name for name in specs if name in set(wanted)] or list(specs)
