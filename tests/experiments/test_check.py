"""Each kind of ablation, sound and with a second change planted where it can hide."""

from dataclasses import replace

import pytest

from experiments.ablation import Ablation, Factor, Profile, Variant, check_ablation, ladder
from experiments.recipes import Recipe
from experiments.spec import DataSpec, NetSpec, RunSpec, SpecError

BASE = RunSpec(net=NetSpec("alexnet_cifar"), data=DataSpec("digits"), recipe=Recipe(crop_padding=1, flip=False))
NOISE = Factor("noise", ("recipe.pca_noise", "recipe.crop_padding"))

VARIANTS = {
    "parts": (
        Variant("whole", "whole", {}),
        Variant("lrn", "no LRN", {"net.lrn": False}),
        Variant("noise", "noise and crops", {"recipe.pca_noise": 0.1, "recipe.crop_padding": 0}),
    ),
    "factorial": (
        Variant("neither", "neither", {"net.lrn": False, "net.dropout": 0.0}),
        Variant("lrn", "LRN", {"net.lrn": True, "net.dropout": 0.0}),
        Variant("dropout", "dropout", {"net.lrn": False, "net.dropout": 0.5}),
        Variant("both", "both", {"net.lrn": True, "net.dropout": 0.5}),
    ),
    "ladder": ladder(
        Variant("start", "start", {"net.lrn": False}),
        Variant("lrn", "+ LRN", {"net.lrn": True}, "LRN"),
        Variant("dropout", "+ dropout", {"net.dropout": 0.5}, "dropout"),
        Variant("noise", "+ noise", {"recipe.pca_noise": 0.1}, "noise"),
    ),
}
FACTORS = {
    "parts": (Factor("LRN", ("net.lrn",)), NOISE),
    "factorial": (Factor("LRN", ("net.lrn",)), "net.dropout"),
    "ladder": (Factor("LRN", ("net.lrn",)), Factor("dropout", ("net.dropout",)), NOISE),
}


def declare(kind: str, **changed) -> Ablation:
    fields = {
        "name": "planted",
        "question": "?",
        "kind": kind,
        "factors": FACTORS[kind],
        "baseline": VARIANTS[kind][0].name,
        "base": BASE,
        "variants": VARIANTS[kind],
        "profiles": {"paper": Profile(seeds=2)},
    }
    return check_ablation(Ablation(**{**fields, **changed}))


def planted(kind: str, which: str, /, **changed) -> tuple[Variant, ...]:
    """The variants with `changed` planted into one of them."""
    return tuple(replace(v, **changed) if v.name == which else v for v in VARIANTS[kind])


@pytest.mark.parametrize("kind", VARIANTS)
def test_a_sound_ablation_is_accepted(kind):
    assert list(declare(kind).specs("paper")) == [variant.name for variant in VARIANTS[kind]]


@pytest.mark.parametrize("kind", VARIANTS)
def test_an_undeclared_change_is_caught_with_variant_and_path(kind):
    last = VARIANTS[kind][-1]
    variants = planted(kind, last.name, changes={**last.changes, "recipe.nesterov": True})
    with pytest.raises(SpecError, match=rf"planted/{last.name} also changes recipe\.nesterov"):
        declare(kind, variants=variants)


def test_parts_a_variant_of_two_declared_factors_is_caught():
    variants = planted("parts", "lrn", changes={"net.lrn": False, "recipe.pca_noise": 0.1})
    message = r"planted/lrn changes net\.lrn, recipe\.pca_noise, which belong to more than one factor"
    with pytest.raises(SpecError, match=message):
        declare("parts", variants=variants)


def test_parts_a_variant_within_two_factors_must_name_one_and_keep_to_it():
    factors = (Factor("LRN", ("net.lrn",)), NOISE, Factor("the whole net", ("net",)))
    with pytest.raises(SpecError, match="planted/lrn could belong to the factors LRN, the whole net; name one"):
        declare("parts", factors=factors)
    assert declare("parts", factors=factors, variants=planted("parts", "lrn", factor="LRN"))
    strayed = planted("parts", "lrn", factor="LRN", changes={"net.lrn": False, "net.dropout": 0.5})
    with pytest.raises(SpecError, match=r"planted/lrn also changes net\.dropout; its declared factor is LRN"):
        declare("parts", factors=factors, variants=strayed)


def test_factorial_a_missing_combination_is_named():
    with pytest.raises(SpecError, match=r"has every combination; no variant has net\.lrn = True, net\.dropout = 0\.5"):
        declare("factorial", variants=VARIANTS["factorial"][:3])


def test_factorial_a_combination_that_occurs_twice_is_caught():
    twice = (*VARIANTS["factorial"], Variant("again", "again", {"net.lrn": True, "net.dropout": 0.5}))
    with pytest.raises(SpecError, match="planted/again has the same levels as both"):
        declare("factorial", variants=twice)


def test_factorial_a_factor_of_one_level_is_caught():
    with pytest.raises(SpecError, match="the factor LRN has only one level"):
        declare("factorial", variants=VARIANTS["factorial"][::2], baseline="neither")


def test_factorial_levels_are_told_apart_by_the_first_path():
    """ResNets of 110 layers with two kinds of unit share a name."""
    depth = Factor("depth", ("net.name", "net.unit"))
    variants = tuple(
        Variant(f"{order}_{unit}", "", {"net.name": "resnet110", "net.unit": unit, "net.order": order})
        for unit in ("basic", "single")
        for order in ("original", "full_preact")
    )
    fields = {"base": RunSpec(), "variants": variants, "baseline": "original_basic"}
    with pytest.raises(SpecError, match=r"two levels of depth have the same net\.name"):
        declare("factorial", factors=("net.order", depth), **fields)


def test_ladder_a_variant_of_two_steps_is_caught():
    with pytest.raises(
        SpecError, match=r"planted/noise also changes net\.dropout from lrn; its declared factor is noise"
    ):
        declare("ladder", profiles={"paper": Profile(seeds=1, variants=("start", "lrn", "noise"))})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"factor": None}, "planted/lrn names no step"),
        ({"factor": "BN"}, "names the factor 'BN'; declared are LRN, dropout, noise"),
        ({"changes": {"net.lrn": False}}, "planted/lrn does not differ from start"),
    ],
)
def test_ladder_slips(changed, words):
    with pytest.raises(SpecError, match=words):
        declare("ladder", variants=planted("ladder", "lrn", **changed))


def test_ladder_starts_at_its_baseline():
    with pytest.raises(SpecError, match="a ladder starts at its baseline, not at start"):
        declare("ladder", baseline="lrn")


def test_ladder_keeps_the_steps_before_but_not_another_nets_options():
    first = Variant("a", "a", {"net.name": "googlenet", "net.norm": "lrn", "recipe.nesterov": True})
    variants = ladder(first, Variant("b", "b", {"net.norm": "batch"}), Variant("c", "c", {"net.name": "inception_bn"}))
    assert variants[1].changes == {"net.name": "googlenet", "net.norm": "batch", "recipe.nesterov": True}
    assert variants[2].changes == {"net.name": "inception_bn", "recipe.nesterov": True}


def test_a_profile_may_adapt_what_it_says_and_nothing_else_of_a_factor():
    changes = {"recipe.crop_padding": 2}
    with pytest.raises(SpecError, match=r"profile paper sets the factor recipe\.crop_padding"):
        declare("parts", profiles={"paper": Profile(seeds=1, changes=changes)})
    adapted = declare("parts", profiles={"paper": Profile(seeds=1, changes=changes, adapts=tuple(changes))})
    padding = {name: spec.recipe.crop_padding for name, spec in adapted.specs("paper").items()}
    assert padding == {"whole": 2, "lrn": 2, "noise": 0}


def test_a_profile_must_run_its_baseline():
    with pytest.raises(SpecError, match="profile paper leaves out its baseline whole"):
        declare("parts", profiles={"paper": Profile(seeds=1, variants=("lrn", "noise"))})


@pytest.mark.parametrize("name", ["no lrn", "../lrn", ""])
def test_a_name_is_a_folder(name):
    with pytest.raises(SpecError, match="is not a valid name: use letters, digits"):
        declare("parts", variants=planted("parts", "lrn", name=name))
