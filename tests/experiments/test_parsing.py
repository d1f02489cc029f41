"""Seeds and settings as a command line says them."""

import pytest

from experiments.ablation import Overrides
from experiments.ablations import load
from experiments.parsing import seeds_of, setting_of
from experiments.spec import DataSpec, NetSpec, RunSpec, SpecError

SPEC = RunSpec(net=NetSpec("resnet20"), data=DataSpec("digits"))


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("5", (0, 1, 2, 3, 4)),
        ("3-7", (3, 4, 5, 6, 7)),
        ("3-3", (3,)),
        ("0,2,9", (0, 2, 9)),
        ("0-2, 9", (0, 1, 2, 9)),
        ("2,2,1", (1, 2)),
    ],
)
def test_seeds(text, seeds):
    assert seeds_of(text) == seeds


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "7-3", "1-", "1,,2", "1e3", "nan", "0-2-4"])
def test_seeds_that_mean_nothing(text):
    with pytest.raises(SpecError, match=r"write a number of seeds \(5\), a range \(3-7\), a list \(0,2,9\) or auto"):
        seeds_of(text)


@pytest.mark.parametrize("text", ["0", "10001", "100000000", "0-10000", "999999999999999999"])
def test_too_few_or_too_many_seeds(text):
    with pytest.raises(SpecError, match="--seeds takes from 1 to 10,000 seeds"):
        seeds_of(text)


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("recipe.learning_rate=0.05", "recipe.learning_rate", 0.05),
        ("recipe.learning_rate = 1", "recipe.learning_rate", 1.0),
        ("recipe.batch_size=64", "recipe.batch_size", 64),
        ("recipe.flip=false", "recipe.flip", False),
        ("recipe.clip_norm=none", "recipe.clip_norm", None),
        ("recipe.clip_norm=2", "recipe.clip_norm", 2.0),
        ("recipe.milestones=0.5,0.75", "recipe.milestones", (0.5, 0.75)),
        ("recipe.milestones=[0.5]", "recipe.milestones", (0.5,)),
        ("recipe.milestones=()", "recipe.milestones", ()),
        ("recipe.crop_area=(0.1,1)", "recipe.crop_area", (0.1, 1)),
        ("recipe.optimiser=adamw", "recipe.optimiser", "adamw"),
        ("data.image_size=64", "data.image_size", 64),
        ("net.width=2", "net.width", 2),
        ("net.downsample=B", "net.downsample", "B"),
        ("net.name=resnet32", "net.name", "resnet32"),
        ("compiled=True", "compiled", True),
    ],
)
def test_a_value_has_the_type_of_its_field(text, path, value):
    found = setting_of(text, SPEC)
    assert found == (path, value)
    assert type(found[1]) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recipe.learnin_rate=1", "did you mean recipe.learning_rate?"),
        ("learning_rate=1", "did you mean recipe.learning_rate?"),
        ("recipe.batch_size", "write FIELD=VALUE, for example --set recipe.learning_rate=0.05"),
        ("=3", "a spec has no such field"),
        ("seed=3", "use --seeds"),
        ("data.name=mnist", "use --dataset, which also brings the data set's augmentation"),
    ],
)
def test_a_setting_that_means_nothing(text, message):
    with pytest.raises(SpecError) as caught:
        setting_of(text, SPEC)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def specs(*settings, **others):
    return load("resnet_preact").specs("smoke", Overrides(settings=settings, **others)).values()


def test_settings_reach_every_variant_and_its_identity():
    plain = list(load("resnet_preact").specs("smoke").values())
    changed = specs("recipe.learning_rate=0.02", "recipe.schedule=cosine")
    assert {(spec.recipe.learning_rate, spec.recipe.schedule) for spec in changed} == {(0.02, "cosine")}
    assert not {spec.hash8 for spec in plain} & {spec.hash8 for spec in changed}


def test_a_setting_equal_to_the_profiles_changes_nothing():
    assert [spec.hash8 for spec in specs("recipe.learning_rate=0.05")] == [
        spec.hash8 for spec in load("resnet_preact").specs("smoke").values()
    ]


def test_a_setting_comes_after_the_data_sets_augmentation():
    assert {spec.recipe.flip for spec in specs("recipe.flip=true", dataset="mnist")} == {True}


@pytest.mark.parametrize(
    ("settings", "others", "message"),
    [
        (("net.order=original",), {}, "net.order is the factor of this ablation"),
        (("threads=2",), {"threads": 3}, "--set threads: an option of its own sets it as well"),
        (("recipe.learning_rate=fast",), {}, "recipe.learning_rate takes a number above 0, not 'fast'"),
        (("recipe.learning_rate=-1",), {}, "recipe.learning_rate takes a number above 0, not -1.0"),
        (('recipe.learning_rate="0.1"',), {}, "recipe.learning_rate takes a number above 0, not '0.1'"),
        (("recipe.learning_rate=1e999",), {}, "recipe.learning_rate takes a number above 0, not inf"),
        (("recipe.batch_size=32.5",), {}, "recipe.batch_size takes a whole number above 0, not 32.5"),
        (("recipe.flip=maybe",), {}, "recipe.flip takes True or False, not 'maybe'"),
        (("net.width=wide",), {}, "net.width cannot be 'wide'"),
    ],
)
def test_settings_that_cannot_be(settings, others, message):
    with pytest.raises(SpecError) as caught:
        specs(*settings, **others)
    assert message in str(caught.value)
