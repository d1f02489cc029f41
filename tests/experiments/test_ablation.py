"""The one-factor check, with faults planted in every place where a second change can hide."""

from dataclasses import replace

import pytest

from experiments.ablation import Ablation, Overrides, Profile, Variant, check_ablation
from experiments.ablations import load
from experiments.spec import NetSpec, RunSpec, SpecError, flatten


def declare(**changed) -> Ablation:
    fields = {
        "name": "planted",
        "question": "?",
        "factors": ("net.order",),
        "baseline": "original",
        "base": RunSpec(net=NetSpec("resnet20")),
        "variants": (
            Variant("original", "original", {"net.order": "original"}),
            Variant("full_preact", "full", {"net.order": "full_preact"}),
        ),
        "profiles": {"paper": Profile(seeds=5)},
    }
    return check_ablation(Ablation(**{**fields, **changed}))


def test_a_sound_ablation_is_accepted():
    specs = declare().specs("paper")
    differing = {k for k, v in flatten(specs["original"]).items() if flatten(specs["full_preact"])[k] != v}
    assert differing == {"net.order"}


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ({"recipe.nesterov": True}, "recipe.nesterov"),
        ({"net.downsample": "B"}, "net.downsample"),
        ({"data.normalisation": "channel"}, "data.normalisation"),
        ({"net.name": "resnet164"}, "net.downsample, net.name, net.unit"),
        ({"threads": 2}, "threads"),
    ],
)
def test_a_planted_second_change_is_caught(extra, named):
    sound = declare().variants
    planted = replace(sound[1], changes={**sound[1].changes, **extra})
    with pytest.raises(SpecError, match=f"planted/full_preact also changes {named}; its declared factor is net.order"):
        declare(variants=(sound[0], planted))


def test_a_variant_that_changes_nothing_is_caught():
    same = Variant("again", "again", {"net.order": "original"})
    with pytest.raises(SpecError, match="planted/again does not differ from the baseline original"):
        declare(variants=(*declare().variants, same))


def test_a_profile_cannot_touch_the_factor():
    with pytest.raises(SpecError, match=r"profile smoke sets the factor net\.order"):
        declare(profiles={"smoke": Profile(seeds=1, changes={"net.order": "full_preact"})})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"baseline": "orignal"}, "baseline 'orignal' is not one of original"),
        ({"variants": declare().variants[:1] * 2}, "share"),
    ],
)
def test_other_slips(changed, words):
    with pytest.raises(SpecError, match=words):
        declare(**changed)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (Overrides(variants=("fullpreact",)), "no variant 'fullpreact'; choose from original, bn_after_add"),
        (Overrides(dataset="cifar"), "unknown data set 'cifar'; choose from digits, cifar10"),
        (Overrides(depth=111), "unknown net 'resnet111'; did you mean resnet110"),
    ],
)
def test_overrides_that_do_not_exist(overrides, words):
    with pytest.raises(SpecError, match=words):
        load("resnet_preact").specs("paper", overrides)


def test_unknown_profile_and_ablation():
    with pytest.raises(SpecError, match="choose from smoke, quick, paper"):
        load("resnet_preact").specs("full")
    with pytest.raises(SpecError, match="did you mean resnet_preact"):
        load("resnet_preactt")


def test_overrides_change_every_variant_alike():
    specs = load("resnet_preact").specs("quick", Overrides(dataset="mnist", depth=32, epochs=3, threads=2))
    for spec in specs.values():
        assert (spec.net.name, spec.data.name, spec.threads) == ("resnet32", "mnist", 2)
        assert (spec.recipe.flip, spec.recipe.crop_padding) == (False, 2)
        assert spec.recipe.iterations == round(3 * 60_000 / 128)


def test_a_depth_brings_its_own_unit():
    """164 layers are bottleneck units with projections (He et al. 2016, appendix)."""
    flat = flatten(load("resnet_preact").specs("paper", Overrides(depth=164))["original"])
    assert (flat["net.unit"], flat["net.downsample"]) == ("bottleneck", "B")
