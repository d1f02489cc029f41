"""The papers' recipes: their numbers in the papers' own units."""

import pytest

from experiments import recipes
from experiments.ablations import load
from experiments.recipes import Recipe
from experiments.spec import DataSpec, RunSpec, SpecError
from experiments.spec_check import check
from experiments.training.schedule import learning_rate

IMAGENET, CIFAR = 1_281_167, 50_000
NAMES = sorted(name for name in vars(recipes) if isinstance(vars(recipes)[name], Recipe))


def epochs(recipe: Recipe, images: int) -> float:
    return recipe.iterations * recipe.batch_size / images


def test_he_2016():
    """Appendix."""
    recipe = load("resnet_preact").specs("paper")["original"].recipe
    assert (recipe.learning_rate, recipe.momentum, recipe.weight_decay, recipe.batch_size) == (0.1, 0.9, 1e-4, 128)
    assert (recipe.iterations, recipe.crop_padding, recipe.flip, recipe.nesterov) == (64_000, 4, True, False)


@pytest.mark.parametrize(
    ("name", "images", "length"),
    [
        ("ALEXNET_2012", IMAGENET, 90),  # "roughly 90 cycles"
        ("CUDA_CONVNET", CIFAR, 160),
        ("GOOGLENET", IMAGENET, 96),
        ("INCEPTION_V3", IMAGENET, 100),
        ("DENSENET_CIFAR", CIFAR, 300),
        ("DENSENET_IMAGENET", IMAGENET, 90),
        ("MOBILENET", IMAGENET, 100),
        ("LECTURE_MNIST", 60_000, 10),
    ],
)
def test_lengths_in_epochs(name, images, length):
    assert epochs(vars(recipes)[name], images) == pytest.approx(length, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "images", "at", "rate"),
    [
        ("HE2015_IMAGENET", IMAGENET, 29, 0.1),
        ("HE2015_IMAGENET", IMAGENET, 31, 0.01),
        ("HE2015_IMAGENET", IMAGENET, 61, 0.001),
        ("ALEXNET_2012", IMAGENET, 0, 0.01),
        ("ALEXNET_2012", IMAGENET, 89, 0.00001),  # "reduced three times prior to termination"
        ("CUDA_CONVNET", CIFAR, 139, 0.001),
        ("CUDA_CONVNET", CIFAR, 141, 0.0001),
        ("CUDA_CONVNET", CIFAR, 151, 0.00001),
        ("GOOGLENET", IMAGENET, 7.9, 0.0015),  # "decreasing the learning rate by 4 % every 8 epochs"
        ("GOOGLENET", IMAGENET, 8.1, 0.0015 * 0.96),
        ("GOOGLENET", IMAGENET, 95.9, 0.0015 * 0.96**11),
        ("INCEPTION_V3", IMAGENET, 1.9, 0.045),  # "decayed every two epoch using an exponential rate of 0.94"
        ("INCEPTION_V3", IMAGENET, 2.1, 0.045 * 0.94),
        ("INCEPTION_V3", IMAGENET, 99.9, 0.045 * 0.94**49),
        ("MOBILENET", IMAGENET, 51, 0.045 * 0.94**25),
        ("DENSENET_CIFAR", CIFAR, 149, 0.1),
        ("DENSENET_CIFAR", CIFAR, 151, 0.01),
        ("DENSENET_CIFAR", CIFAR, 226, 0.001),
        ("DENSENET_IMAGENET", IMAGENET, 31, 0.01),
        ("DENSENET_IMAGENET", IMAGENET, 61, 0.001),
        ("LECTURE_MNIST", 60_000, 9.9, 0.01),
    ],
)
def test_learning_rates_at_epochs(name, images, at, rate):
    recipe = vars(recipes)[name]
    assert learning_rate(int(at * images / recipe.batch_size), recipe) == pytest.approx(rate, rel=1e-9)


def test_what_the_papers_say_of_the_rest():
    alexnet, v3, mobilenet = recipes.ALEXNET_2012, recipes.INCEPTION_V3, recipes.MOBILENET
    assert (alexnet.batch_size, alexnet.momentum, alexnet.weight_decay) == (128, 0.9, 5e-4)
    assert (alexnet.crop_size, alexnet.test_crops, alexnet.pca_noise) == (224, "ten", 0.1)
    assert (v3.optimiser, v3.rmsprop_decay, v3.rmsprop_eps, v3.clip_norm) == ("rmsprop", 0.9, 1.0, 2.0)
    assert (v3.label_smoothing, v3.batch_size) == (0.1, 32)
    assert (mobilenet.optimiser, mobilenet.decay, mobilenet.label_smoothing) == ("rmsprop", "not_depthwise", 0.0)
    assert (recipes.GOOGLENET.aux_weight, recipes.GOOGLENET.crop_area) == (0.3, (0.08, 1.0))
    assert (recipes.DENSENET_CIFAR.nesterov, recipes.DENSENET_CIFAR.batch_size) == (True, 64)
    assert (recipes.LECTURE_MNIST.momentum, recipes.LECTURE_MNIST.batch_size) == (0.5, 64)
    assert (recipes.CUDA_CONVNET.crop_size, recipes.CUDA_CONVNET.test_crops) == (24, "ten")


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_can_be_run_on_the_images_it_is_for(name):
    recipe = vars(recipes)[name]
    side = recipe.crop_size or 32
    data = DataSpec("cifar10", image_size=side)
    assert check(RunSpec(data=data, recipe=recipe)).input_shape == (3, side, side)
    if recipe.crop_size:
        with pytest.raises(SpecError, match="does not fit"):
            check(RunSpec(data=DataSpec("digits"), recipe=recipe))


def test_a_paper_and_our_choices_never_state_the_same_field():
    assert recipes.with_choices({"milestones": [0.5], "gamma": 0.2}, flip=False).milestones == (0.5,)
    with pytest.raises(TypeError, match="multiple values for keyword argument 'gamma'"):
        recipes.with_choices({"gamma": 0.2}, gamma=0.1)
