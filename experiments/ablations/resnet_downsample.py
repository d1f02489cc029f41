"""How should a shortcut change size: padding (A), projections there (B), projections everywhere (C)? He et al. 2015.

Table 3: ResNet-34 on ImageNet, ten-crop. `paper` needs `--dataset imagefolder:PATH`. `quick` (ResNet-20, CIFAR-10) will
probably leave the question undecided: the paper's differences are 0.3 to 0.8 points at an error of 25.
"""

from __future__ import annotations

from experiments.ablation import Ablation, Deviation, Profile, Variant
from experiments.recipes import HE2015_IMAGENET
from experiments.settings import CIFAR10, DIGITS, FIXED, IMAGENET
from experiments.spec import NetSpec, RunSpec

ABLATION = Ablation(
    name="resnet_downsample",
    question="How should a shortcut change size: padding (A), projection (B), or projections everywhere (C)?",
    factors=("net.downsample",),
    baseline="A",
    base=RunSpec(net=NetSpec("resnet34"), data=IMAGENET, recipe=HE2015_IMAGENET),
    variants=(
        Variant("A", "A: zero channels", {"net.downsample": "A"}),
        Variant("B", "B: projections where the size changes", {"net.downsample": "B"}),
        Variant("C", "C: projections everywhere", {"net.downsample": "C"}),
    ),
    profiles={
        "smoke": Profile(seeds=14, changes={"net.name": "resnet20", **DIGITS, "recipe.learning_rate": 0.05}, epochs=3),
        "quick": Profile(
            seeds=8, changes={"net.name": "resnet20", **CIFAR10, "recipe.milestones": (0.5, 0.75)}, epochs=8
        ),
        "paper": Profile(seeds=3),
    },
    published="he2015_table3",
    paper_net="resnet34",
    fixed=FIXED,
    deviations=(
        Deviation("scale of a training image", "short side random in 256 to 480 pixels", "256", ("paper",)),
        Deviation("learning rate", "divided by 10 when the error plateaus", "at a quarter and half of the iterations"),
        Deviation("batch normalisation", "statistics per GPU, over parts of the 256 images", "over {bn_images} images"),
    ),
)
