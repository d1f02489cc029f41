"""What holds for every ablation that is declared: plans, published tables, parameters, what its variants share."""

import itertools
from importlib import import_module
from pathlib import Path

import pytest
import torch

import nets
from analysis.published import cells as published
from analysis.published.recipes import RECIPES
from experiments import ablations, data
from experiments.ablation import Deviation, Overrides
from experiments.data.load import Dataset, Split
from experiments.datasets import IMAGE_FOLDER
from experiments.planning.plan import declaration, plan
from experiments.spec import SpecError, flatten, with_changes
from experiments.training.train import build_net, train
from nets import cost

NAMES = ablations.names()
ISSUE = {
    "resnet_preact", "resnet_shortcut", "resnet_preact_depth", "resnet_depth", "resnet_downsample", "highway",
    "alexnet_lrn_dropout", "alexnet_parts", "alexnet_activation", "inception_module", "inception_aux",
    "inception_ladder", "inception_residual", "densenet", "mobilenet", "mnist_basics",
}  # fmt: skip


def test_the_sixteen_are_there():
    assert set(NAMES) == ISSUE


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("profile", ["smoke", "quick", "paper"])
def test_every_plan_builds_or_asks_for_imagenet(name, profile, monkeypatch):
    monkeypatch.setattr(
        "experiments.planning.plan.costs", lambda spec: {}
    )  # nets of a thousand layers are slow to count
    ablation = ablations.load(name)
    wants_imagenet = profile == "paper" and ablation.base.data.name == IMAGE_FOLDER
    if wants_imagenet:
        with pytest.raises(SpecError, match="name your copy with --dataset imagefolder:PATH"):
            plan(ablation, profile, Overrides(), out=Path("runs"))
        return
    jobs = plan(ablation, profile, Overrides(), out=Path("runs"))
    variants = ablation.variants_of(profile)
    assert len(jobs) == len(variants) * ablation.profiles[profile].seeds
    assert len({job.spec.run_id for job in jobs}) == len(jobs)
    assert {job.variant for job in jobs if job.signals} == {variant.name for variant in variants}
    assert {job.spec.seed for job in jobs if job.signals} == {0}
    assert all(job.spec.data.name == "digits" for job in jobs) == (profile == "smoke")


@pytest.mark.parametrize("name", NAMES)
def test_the_declaration_lines_up(name):
    for profile in ablations.load(name).profiles:
        declared = declaration(ablations.load(name), profile)
        assert len(declared["variants"]) == len(declared["labels"]) == len(declared["levels"])
        assert len(set(declared["labels"])) == len(declared["labels"])
        assert declared["baseline"] in declared["variants"]
        if declared["kind"] == "ladder":
            assert declared["steps"][0] is None
            assert all(declared["steps"][1:])
        if declared["kind"] == "factorial":
            assert len({tuple(level.values()) for level in declared["levels"]}) == len(declared["variants"])
            assert len(declared["levels"][0]) == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_published_table_speaks_of_the_ablation(name):
    ablation = ablations.load(name)
    variants = [variant.name for variant in ablation.variants_of("paper")]
    compared, _ = published.counterparts(ablation.published, variants)
    assert len(compared) + len(published.differences(ablation.published, variants)) > 0
    if ablation.paper_net and any(factor.covers("net.name") for factor in ablation.groups):
        assert set(compared["net"]) <= {ablation.paper_net}  # cells of other nets would not be found
    if ablation.paper_net:
        assert ablation.paper_net in set(published.of_table(ablation.published)["net"])


@pytest.mark.parametrize("name", NAMES)
def test_the_papers_profile_keeps_the_papers_recipe(name):
    """But for the factors, and for what a numbered deviation or the recipe's own comment says."""
    ablation = ablations.load(name)
    flat = flatten(ablation.specs("paper")[ablation.baseline_of("paper")])
    recipe = {f"recipe.{key}": value for key, value in RECIPES[ablation.published].items()}
    kept = {path: value for path, value in recipe.items() if not any(f.covers(path) for f in ablation.groups)}
    assert {path: flat[path] for path in kept} == kept


@pytest.mark.parametrize("name", NAMES)
def test_every_card_has_its_points(name):
    ablation = ablations.load(name)
    assert ablation.fixed
    assert ablation.deviations
    assert all(point.paper != point.ours for point in ablation.deviations)
    assert "quick" in import_module(f"experiments.ablations.{name}").__doc__


def params(ablation: str, variant: str, profile: str) -> int:
    spec = ablations.load(ablation).specs(profile)[variant]
    with torch.device("meta"):
        return cost.parameters(nets.build(spec.net.name, **spec.net.options))


def test_highway_meets_rivals_of_its_size():
    """Published: 1,727,962 and 2,649,918 parameters (the comparison's logs)."""
    assert params("highway", "residual", "paper") == 1_727_962
    assert params("highway", "highway", "paper") == 2_649_918
    for profile in ("paper", "quick"):
        for one, other in (("residual", "highway_narrow"), ("highway", "residual_wide")):
            assert params("highway", other, profile) == pytest.approx(params("highway", one, profile), rel=0.02)


def test_densenet_meets_a_resnet_of_its_size():
    """DenseNet-BC-100, k = 12: 0.8 million (Huang et al. 2017, Table 2); exactly 769,162."""
    assert params("densenet", "bc100_12", "paper") == 769_162
    assert params("densenet", "resnet164_equal", "paper") == pytest.approx(769_162, rel=0.01)
    dense = params("densenet", "bc100_12", "quick")
    assert params("densenet", "resnet20_equal", "quick") == pytest.approx(dense, rel=0.03)


def test_plain_and_residual_nets_have_equal_parameters():
    """Option A adds none (He et al. 2015, section 4.2)."""
    for depth in (20, 110):
        assert params("resnet_depth", f"plain{depth}", "paper") == params("resnet_depth", f"residual{depth}", "paper")


def is_comparable(key: str, first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    """Equal name and shape, and of an equal layer: PyTorch's own biases start in the scale of their weight's fan-in.

    b_g of He et al. 2016, Table 1, is the factor itself.
    """
    weight = key.removesuffix("bias") + "weight" if key.endswith("bias") else key
    shapes = [state[name].shape for name in (key, weight) for state in (first, second) if name in state]
    is_gate_bias = "gate." in key and key.endswith("bias")
    return first[key].is_floating_point() and not is_gate_bias and shapes[::2] == shapes[1::2]


def tiny(spec):
    """Two steps of eight images, the same changes for every variant."""
    return with_changes(spec, {"recipe.iterations": 2, "recipe.batch_size": 8, "data.train_images": 16})


def few_images(spec) -> Dataset:
    whole = data.load(spec.data.name, train_images=16, image_size=spec.data.image_size)
    return Dataset(whole.name, whole.train, Split(whole.test.images[:8], whole.test.labels[:8]), whole.classes)


@pytest.mark.parametrize("name", NAMES)
def test_each_variant_trains_two_steps_and_variants_share_initial_values(name, tmp_path):
    torch.set_num_threads(1)
    initial = {}
    for variant, spec in ablations.load(name).specs("smoke").items():
        spec = tiny(spec)
        images = few_images(spec)
        initial[variant] = build_net(spec, images).state_dict()
        (tmp_path / variant).mkdir()
        rows = []
        assert train(spec, images, tmp_path / variant, rows.append) == "finished"
        assert [row["epoch"] for row in rows] == [1]
    for (one, first), (other, second) in itertools.combinations(initial.items(), 2):
        for key in first.keys() & second.keys():
            if is_comparable(key, first, second):
                assert torch.equal(first[key], second[key]), (one, other, key)


def test_deviations_are_told_with_the_settings_of_the_runs():
    preact = ablations.load("resnet_preact")
    said = {
        profile: {point.what: point.ours for point in preact.deviations_of(profile)} for profile in ("smoke", "paper")
    }
    assert said["paper"]["batch normalisation"] == "over 128 images"
    assert said["paper"]["training images"] == "50,000"
    batch = preact.specs("smoke")["original"].recipe.batch_size
    assert said["smoke"]["batch normalisation"] == f"over {batch} images" != said["paper"]["batch normalisation"]
    assert said["smoke"]["training images"] == "1,437"
    wide = preact.deviations_of("smoke", Overrides(settings=("recipe.batch_size=48", "recipe.bn_groups=2")))
    assert [point.ours for point in wide if point.what == "batch normalisation"] == ["over 24 images"]


def test_braces_that_name_no_setting_are_refused():
    spec = ablations.load("resnet_preact").base
    for ours in ("{batch}", "{", "{0}", "{batch_size:q}"):
        with pytest.raises(SpecError, match=r"the deviation 'pixels' has braces in .* that name no setting"):
            Deviation("pixels", "theirs", ours).of(spec)
    assert Deviation("pixels", "theirs", "{{0, 1}}").of(spec).ours == "{0, 1}"
