"""Where do BN and ReLU belong in a residual unit? He et al. 2016, Table 2.

Use 20 layers or more: with one unit per stage (depth 8) `original` and `relu_only_preact` compute the same function,
and so do `bn_after_add` and `full_preact`. `quick` (20 layers, CIFAR-10) can show differences of two points or more;
the paper's are up to 1.6 points, with 110 layers.
"""

from __future__ import annotations

from experiments.ablation import Ablation, Deviation, Profile, Variant
from experiments.recipes import HE2016_CIFAR
from experiments.settings import DIGITS
from experiments.spec import DataSpec, NetSpec, RunSpec

ABLATION = Ablation(
    name="resnet_preact",
    question="Where do BN and ReLU belong in a residual unit?",
    factors=("net.order",),
    baseline="original",
    base=RunSpec(net=NetSpec("resnet110"), data=DataSpec("cifar10"), recipe=HE2016_CIFAR),
    variants=(
        Variant("original", "original", {"net.order": "original"}),
        Variant("bn_after_add", "BN after addition", {"net.order": "bn_after_add"}),
        Variant("relu_before_add", "ReLU before addition", {"net.order": "relu_before_add"}),
        Variant("relu_only_preact", "ReLU-only pre-activation", {"net.order": "relu_only_preact"}),
        Variant("full_preact", "full pre-activation", {"net.order": "full_preact"}),
    ),
    profiles={
        "smoke": Profile(
            seeds=14,
            changes={"net.name": "resnet20", **DIGITS, "recipe.learning_rate": 0.05},
            epochs=2,
        ),
        "quick": Profile(seeds=8, changes={"net.name": "resnet20"}, epochs=8),
        "paper": Profile(seeds=5),
    },
    published="he2016_table2",
    paper_net="resnet110",
    failure_error=20.0,
    fixed=(
        "the weight layers, their widths and their initial values, parameter by parameter",
        "the order of the images, their crops and flips, batch by batch, for one seed",
        "the recipe: learning rate, warm-up, milestones, weight decay, momentum, batch size",
        "what is reported: the test error of the last epoch, single crop",
    ),
    deviations=(
        Deviation("batch normalisation", "statistics over 64 images (2 GPUs of 64)", "over {bn_images} images"),
        Deviation("scale of the pixels", "not stated; mean image subtracted", "x / 255, mean image subtracted"),
        Deviation("end of an epoch", "not stated", "batches cross epoch boundaries, so all {iterations:,} are full"),
        Deviation("BN after a projection in bn_after_add", "not stated", "none, as after the branch"),
        Deviation("training images", "45,000 or 50,000: the text allows both", "{images:,}"),
        Deviation("what weight decay reaches", "not stated", "convolution weights, by fb.resnet.torch's notes"),
    ),
)
