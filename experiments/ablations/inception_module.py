"""What does each piece of an Inception module achieve: reductions, small filters, BN, branches? Szegedy et al. 2014.

Each variant changes one thing in GoogLeNet's modules. Two of the errors are published (top-1, Szegedy et al. 2015,
Table 3): 29.0 for GoogLeNet and 26.8 with BN; the other variants have not been published. `paper` needs `--dataset
imagefolder:PATH`. `quick` (an eighth of the width, CIFAR-10) should show the effect of BN; removing one of four
branches may change less than a point.
"""

from __future__ import annotations

from experiments.ablation import Ablation, Deviation, Factor, Profile, Variant
from experiments.recipes import GOOGLENET
from experiments.settings import CIFAR10, DIGITS, FIXED, IMAGENET, SHORT
from experiments.spec import NetSpec, RunSpec

SMALL = {"net.name": "googlenet_cifar", "net.dropout": 0.0, **SHORT}

ABLATION = Ablation(
    name="inception_module",
    question="What does each piece of an Inception module achieve?",
    kind="parts",
    factors=(
        Factor("1x1 reductions", ("net.form", "net.pool_projection")),
        Factor("large filters", ("net.large",)),
        Factor("normalisation", ("net.norm",)),
        Factor("branches", ("net.branch_1x1", "net.branch_3x3", "net.branch_large", "net.branch_pool")),
    ),
    baseline="reduced",
    base=RunSpec(
        net=NetSpec("googlenet", {"large": "5x5", "norm": "lrn", "aux": "none"}), data=IMAGENET, recipe=GOOGLENET
    ),
    variants=(
        Variant("reduced", "with reductions", {}),
        Variant("naive", "naive", {"net.form": "naive"}),
        Variant("factorised", "5x5 as two 3x3", {"net.large": "3x3_twice"}),
        Variant("batch_norm", "batch normalisation", {"net.norm": "batch"}),
        Variant("no_1x1", "without the 1x1 branch", {"net.branch_1x1": False}),
        Variant("no_3x3", "without the 3x3 branch", {"net.branch_3x3": False}),
        Variant("no_5x5", "without the 5x5 branch", {"net.branch_large": False}),
        Variant("no_pool", "without the pooling branch", {"net.branch_pool": False}),
    ),
    profiles={
        "smoke": Profile(
            seeds=14,
            changes={
                **SMALL,
                **DIGITS,
                "net.width": 0.25,
                "recipe.learning_rate": 0.02,
                "data.train_images": 720,
            },
            epochs=3,
        ),
        "quick": Profile(
            seeds=8, changes={**SMALL, **CIFAR10, "net.width": 0.125, "recipe.learning_rate": 0.02}, epochs=5
        ),
        "paper": Profile(seeds=3),
    },
    published="szegedy2014_module",
    paper_net="googlenet",
    fixed=FIXED,
    deviations=(
        Deviation(
            "learning rate, batch size, length, weight decay",
            "not stated",
            "{learning_rate}, {batch_size}, {epochs} epochs, {weight_decay}",
        ),
        Deviation("auxiliary heads", "two, weight 0.3", "none: see the ablation inception_aux"),
        Deviation("photometric distortions", "yes", "none"),
        Deviation("learning rate with BN", "raised (BN-x5, BN-x30)", "equal for all variants"),
        Deviation("LRN with BN", "removed", "removed: the factor is the normalisation"),
    ),
)
