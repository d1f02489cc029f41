"""Inception with and without residual connections; residual scaling. Szegedy et al. 2016, Table 2 and section 3.3.

The paper compares Inception-v4 (20.0) with Inception-ResNet-v2 (19.9), nets of similar cost that differ in every layer.
Here a net is also compared with the same layers without the additions, and with other scales of the residual, which the
paper needs above about 1000 filters. `paper` needs `--dataset imagefolder:PATH`. `quick` (CIFAR-10, narrow nets of 11
modules) should show the effect of the additions; scaling should change little, as the paper says of nets below 1000
filters.
"""

from __future__ import annotations

from experiments.ablation import Ablation, Deviation, Factor, Profile, Variant
from experiments.recipes import INCEPTION_V3
from experiments.settings import CIFAR10, DIGITS, FIXED, IMAGENET_299, SHORT
from experiments.spec import NetSpec, RunSpec, with_changes

BASE = RunSpec(net=NetSpec("inception_resnet_v2"), data=IMAGENET_299, recipe=INCEPTION_V3)
SMALL = {"net.name": "inception_resnet_cifar", "recipe.optimiser": "sgd", "recipe.label_smoothing": 0.0, **SHORT}
PURE = ("residual", "no_residual", "scale_0.1", "scale_0.3")

ABLATION = Ablation(
    name="inception_residual",
    question="Do residual connections help Inception, and does scaling them?",
    kind="parts",
    factors=(
        Factor("residual connections", ("net.residual",)),
        Factor("residual scaling", ("net.residual_scale",)),
        Factor("the whole net", ("net",)),
    ),
    baseline="residual",
    base=with_changes(BASE, {"recipe.label_smoothing": 0.0}),
    variants=(
        Variant("residual", "residual, the net's own scale", {}),
        Variant("no_residual", "the same layers without additions", {"net.residual": False}, "residual connections"),
        Variant("scale_0.1", "residual, scale 0.1", {"net.residual_scale": 0.1}, "residual scaling"),
        Variant("scale_0.3", "residual, scale 0.3", {"net.residual_scale": 0.3}, "residual scaling"),
        Variant("scale_1", "residual, not scaled", {"net.residual_scale": 1.0}, "residual scaling"),
        Variant("inception_v4", "Inception-v4", {"net": NetSpec("inception_v4")}, "the whole net"),
        Variant("inception_v3", "Inception-v3", {"net": NetSpec("inception_v3", {"aux": False})}, "the whole net"),
        Variant("inception_resnet_v1", "Inception-ResNet-v1", {"net": NetSpec("inception_resnet_v1")}, "the whole net"),
        Variant("inception_v4_cifar", "Inception-v4", {"net": NetSpec("inception_v4_cifar")}, "the whole net"),
    ),
    profiles={
        "smoke": Profile(
            seeds=4,
            changes={
                **SMALL,
                **DIGITS,
                "net.blocks": (2, 2, 1),
                "data.train_images": 720,
                "recipe.learning_rate": 0.05,
            },
            epochs=2.5,
            variants=PURE,
            adapts=("net.name", "net.blocks"),
        ),
        "quick": Profile(
            seeds=8,
            changes={**SMALL, **CIFAR10, "net.blocks": (3, 5, 3), "recipe.learning_rate": 0.1},
            epochs=3,
            variants=(*PURE, "inception_v4_cifar"),
            adapts=("net.name", "net.blocks"),
        ),
        "paper": Profile(
            seeds=3,
            variants=(
                "residual",
                "no_residual",
                "scale_0.1",
                "scale_0.3",
                "scale_1",
                "inception_v4",
                "inception_v3",
                "inception_resnet_v1",
            ),
        ),
    },
    published="szegedy2016_table2",
    fixed=FIXED,
    deviations=(
        Deviation("test images", "the 48,238 not on the blacklist", "all of the val/ folder", ("paper",)),
        Deviation("scale", "between 0.1 and 0.3", "0.17, 0.10, 0.20 by stage, as released; 1 in narrow nets"),
        Deviation("label smoothing", "not stated", "none"),
        Deviation("replicas", "20, asynchronous", "one"),
    ),
)
