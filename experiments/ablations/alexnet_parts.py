"""What is each of overlapping pooling, LRN, dropout and augmentation worth? Krizhevsky et al. 2012.

Each variant lacks one part of the complete net. The paper states differences in points of ImageNet top-1 error, not
errors: LRN 1.4, overlapping pooling 0.4, PCA noise over 1, a middle convolution about 2, two towers 1.7. `paper` needs
`--dataset imagefolder:PATH`. `quick` (cuda-convnet's net on CIFAR-10) should show the effect of augmentation, by far
the largest, and perhaps that of dropout; eight seeds cannot decide differences below one point.
"""

from __future__ import annotations

from experiments.ablation import Ablation, Deviation, Factor, Profile, Variant
from experiments.recipes import ALEXNET_2012
from experiments.settings import CIFAR10, DIGITS, FIXED, IMAGENET
from experiments.spec import NetSpec, RunSpec

SMALL = {"net.name": "alexnet_cifar", "net.dropout": 0.5}
ADAPTED = ("net.name", "net.dropout", "recipe.crop_padding", "recipe.flip", "recipe.pca_noise")
ON_SMALL_NETS = ("whole", "no_lrn", "no_overlap", "no_dropout", "no_crops")

ABLATION = Ablation(
    name="alexnet_parts",
    question="What are overlapping pooling, LRN, dropout and augmentation worth, one at a time?",
    kind="parts",
    factors=(
        Factor("LRN", ("net.lrn",)),
        Factor("overlapping pooling", ("net.overlapping_pool",)),
        Factor("dropout", ("net.dropout",)),
        Factor("flips", ("recipe.flip",)),
        Factor("crops", ("recipe.crop_padding",)),
        Factor("colour noise", ("recipe.pca_noise",)),
        Factor("a middle convolution", ("net.without",)),
        Factor("two towers", ("net.name",)),
    ),
    baseline="whole",
    base=RunSpec(net=NetSpec("alexnet_2012"), data=IMAGENET, recipe=ALEXNET_2012),
    variants=(
        Variant("whole", "the whole net", {}),
        Variant("no_lrn", "without LRN", {"net.lrn": False}),
        Variant("no_overlap", "pooling without overlap", {"net.overlapping_pool": False}),
        Variant("no_dropout", "without dropout", {"net.dropout": 0.0}),
        Variant("no_flips", "without flips", {"recipe.flip": False}),
        Variant("no_crops", "without random crops", {"recipe.crop_padding": 0}),
        Variant("no_colour_noise", "without colour noise", {"recipe.pca_noise": 0.0}),
        Variant("without_conv3", "without conv3", {"net.without": "conv3"}),
        Variant("without_conv4", "without conv4", {"net.without": "conv4"}),
        Variant("one_gpu", "one tower of half the kernels", {"net.name": "alexnet_2012_one_gpu"}),
    ),
    profiles={
        "smoke": Profile(
            seeds=18,
            changes={**SMALL, **DIGITS, "data.image_size": 16, "recipe.learning_rate": 0.02},
            epochs=4,
            variants=ON_SMALL_NETS,
            adapts=ADAPTED,
        ),
        "quick": Profile(
            seeds=8,
            changes={**SMALL, **CIFAR10, "recipe.pca_noise": 0.1},
            epochs=20,
            variants=(*ON_SMALL_NETS, "no_flips", "no_colour_noise", "without_conv3", "without_conv4"),
            adapts=ADAPTED,
        ),
        "paper": Profile(
            seeds=3,
            variants=(
                "whole",
                "no_lrn",
                "no_overlap",
                "no_dropout",
                "no_flips",
                "no_colour_noise",
                "without_conv3",
                "without_conv4",
                "one_gpu",
            ),
        ),
    },
    published="krizhevsky2012_parts",
    paper_net="alexnet_2012",
    fixed=FIXED,
    deviations=(
        Deviation("LRN's neighbours", "formula: all maps; code: those of one tower", "all maps"),
        Deviation("learning rate", "divided by 10 manually, three times", "divided by 10 after each quarter"),
        Deviation("test images", "ILSVRC; subset and crops not stated", "the val/ folder, ten-crop", ("paper",)),
        Deviation("without random crops", "no number", "only on CIFAR-10 and digits"),
    ),
)
