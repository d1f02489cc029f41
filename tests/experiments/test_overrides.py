"""What a command line changes alike for all variants: data with its augmentation, length, depth; never a factor."""

import pytest
from PIL import Image

from experiments.ablation import Overrides
from experiments.ablations import load
from experiments.check import Factor, changed
from experiments.dataset_info import DataError
from experiments.planning.plan import declaration
from experiments.spec import SpecError


def test_a_factor_covers_its_paths_and_what_is_below_them():
    assert Factor("net", ("net",)).covers("net.order")
    assert Factor("shortcut", ("net.shortcut",)).covers("net.shortcut")
    assert not Factor("shortcut", ("net.shortcut",)).covers("net.shortcut_scale")


def test_an_option_that_one_net_alone_has_is_a_change():
    assert changed({"net.name": "a", "net.growth": 12}, {"net.name": "a"}) == {"net.growth"}
    assert changed({"net.name": "a"}, {"net.name": "a", "net.growth": 12}) == {"net.growth"}


def test_another_data_set_keeps_the_length_in_epochs():
    """163.84 epochs of CIFAR-10's 50,000 images in batches of 128 (He et al. 2015), now of MNIST's 60,000."""
    spec = load("resnet_preact").specs("paper", Overrides(dataset="mnist"))["original"]
    assert spec.recipe.iterations == round(64_000 * 60_000 / 50_000)


def test_a_recipe_with_crops_of_its_own_takes_no_padding():
    """cuda-convnet's crops of 24 pixels need none; CIFAR-100's usual padding is 4."""
    spec = load("alexnet_lrn_dropout").specs("paper", Overrides(dataset="cifar100"))["both"]
    assert (spec.recipe.crop_size, spec.recipe.crop_padding, spec.recipe.flip) == (24, 0, True)


def test_a_folder_of_images_keeps_the_papers_recipe(tmp_path):
    """ImageNet's recipe with another folder: the crops stay, the length is in passes over the folder."""
    for part, count in (("train", 32), ("val", 4)):
        for label in ("cat", "dog"):
            (tmp_path / part / label).mkdir(parents=True)
            for i in range(count):
                Image.new("L", (40, 50)).save(tmp_path / part / label / f"{i}.png")
    usual = load("mobilenet").specs("paper")["mobilenet"]
    spec = load("mobilenet").specs("paper", Overrides(dataset=f"imagefolder:{tmp_path}"))["mobilenet"]
    assert (spec.recipe.crop_area, spec.recipe.crop_size, spec.recipe.crop_padding) == ((0.35, 1.0), 224, 0)
    assert (spec.data.images, spec.data.image_size) == (64, 256)
    assert spec.recipe.iterations == round(usual.recipe.iterations * 64 / 1_281_167)


def test_small_images_are_not_enlarged(tmp_path):
    """A size of the images' own; 224 is what an image folder without a size has, and stays out of the hash."""
    names = {}
    for side in (40, 300):
        for label in ("cat", "dog"):
            for part in ("train", "val"):
                (tmp_path / str(side) / part / label).mkdir(parents=True)
                Image.new("L", (side, side + 7)).save(tmp_path / str(side) / part / label / "a.png")
        names[side] = f"imagefolder:{tmp_path / str(side)}"
    assert Overrides(dataset=f"{names[40]}/").dataset == names[40]
    sizes = {}
    for side, name in names.items():
        spec = load("resnet_preact").specs("smoke", Overrides(dataset=f"{name}/"))["full_preact"]
        assert spec.data.name == name
        sizes[side] = (spec.data.image_size, spec.data.shape)
    assert sizes == {40: (40, (3, 40, 40)), 300: (None, (3, 224, 224))}


def test_a_split_is_a_field_of_the_data(tmp_path):
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir(parents=True)
        for k in range(5):
            Image.new("L", (9, 9)).save(tmp_path / label / f"{k}.png")
    spec = load("resnet_preact").specs("smoke", Overrides(dataset=f"imagefolder:{tmp_path}", split=0.6))["full_preact"]
    assert (spec.data.split, spec.data.images, spec.data.info.test_images) == (0.6, 6, 4)
    with pytest.raises(DataError, match="digits has a test set of its own; a split is for your own images"):
        load("resnet_preact").specs("smoke", Overrides(split=0.6))
    with pytest.raises(SpecError, match="no folder train/"):
        load("resnet_preact").specs("smoke", Overrides(dataset=f"imagefolder:{tmp_path}"))


def test_a_data_set_adapts_crops_that_are_a_part_of_the_ablation():
    specs = load("alexnet_parts").specs("smoke", Overrides(dataset="mnist"))
    padding = {name: spec.recipe.crop_padding for name, spec in specs.items()}
    assert padding["whole"] == padding["no_lrn"] == 2
    assert padding["no_crops"] == 0


@pytest.mark.parametrize(
    ("name", "words"), [("mobilenet", "the depth of mobilenet cannot be set"), ("resnet_depth", "is the factor")]
)
def test_depth_where_there_is_none_to_set(name, words):
    with pytest.raises(SpecError, match=words):
        load(name).specs("quick", Overrides(depth=50))


def test_the_failure_line_is_the_papers_for_its_own_data():
    """20 % on CIFAR-10 (He et al. 2016, Table 1); full ResNets have 24 % on CIFAR-100 (Table 3)."""
    ablation = load("resnet_shortcut")
    assert declaration(ablation, "paper")["failure_error"] == 20
    assert declaration(ablation, "quick")["failure_error"] is None
    assert declaration(ablation, "paper", Overrides(dataset="cifar100"))["failure_error"] is None


def test_the_levels_are_those_of_all_variants_also_where_a_few_run():
    declared = declaration(load("resnet_depth"), "smoke", Overrides(variants=("plain32",)))
    assert declared["variants"] == ["plain20", "residual20", "plain32", "residual32"]
    assert [level["net.shortcut"] for level in declared["levels"]] == ["none", "identity", "none", "identity"]
    assert [level["net.name"] for level in declared["levels"]] == ["resnet20", "resnet20", "resnet32", "resnet32"]


def test_a_ladder_says_its_steps():
    declared = declaration(load("inception_ladder"), "smoke")
    steps = dict(zip(declared["variants"], declared["steps"], strict=True))
    assert (steps["googlenet"], steps["rmsprop"]) == (None, "RMSProp")


def test_precision_and_compilation_reach_every_variant():
    specs = load("resnet_preact").specs("smoke", Overrides(precision="bf16", compiled=True))
    assert {(spec.recipe.precision, spec.compiled) for spec in specs.values()} == {("bf16", True)}
    untouched = load("resnet_preact").specs("smoke", Overrides())
    assert {(spec.recipe.precision, spec.compiled) for spec in untouched.values()} == {("fp32", False)}
    with pytest.raises(SpecError, match=r"recipe.precision takes one of fp32, tf32, bf16, not .fp8."):
        load("resnet_preact").specs("smoke", Overrides(precision="fp8"))
