"""Does full pre-activation help more, the deeper the net? He et al. 2016, Table 3.

A factorial of order and depth; `--dataset cifar100` runs the table's other half. `quick` (20 and 56 layers, CIFAR-10)
can show an interaction of one point or more; the paper's is 2.5 points, from 110 to 1001 layers.
"""

from __future__ import annotations

from experiments.ablation import Ablation, Deviation, Factor, Profile, Variant
from experiments.recipes import HE2016_CIFAR
from experiments.settings import DIGITS, FIXED
from experiments.spec import DataSpec, NetSpec, RunSpec

DEPTHS = ("20", "32", "56", "110_1layer", "110", "164", "1001")
ORDERS = {"original": "original", "full_preact": "full pre-activation"}


def of_depths(*depths: str) -> tuple[str, ...]:
    return tuple(f"{order}{depth}" for depth in depths for order in ORDERS)


ABLATION = Ablation(
    name="resnet_preact_depth",
    question="Does full pre-activation help more, the deeper the net?",
    kind="factorial",
    factors=("net.order", Factor("depth", ("net.name", "net.unit", "net.downsample"))),
    baseline="original110",
    base=RunSpec(net=NetSpec("resnet110"), data=DataSpec("cifar10"), recipe=HE2016_CIFAR),
    variants=tuple(
        Variant(
            f"{order}{depth}",
            f"{label}, {depth.replace('_1layer', ', one layer per unit')}",
            {"net.name": f"resnet{depth}", "net.order": order},
        )
        for depth in DEPTHS
        for order, label in ORDERS.items()
    ),
    profiles={
        "smoke": Profile(
            seeds=17,
            changes={**DIGITS, "recipe.learning_rate": 0.05},
            epochs=3,
            variants=of_depths("20", "32"),
            baseline="original20",
        ),
        "quick": Profile(seeds=8, epochs=8, variants=of_depths("20", "56"), baseline="original20"),
        "paper": Profile(seeds=5, variants=of_depths("110_1layer", "110", "164", "1001")),
    },
    published="he2016_table3",
    fixed=FIXED,
    deviations=(
        Deviation("batch normalisation", "statistics over 64 images (2 GPUs of 64)", "over {bn_images} images"),
        Deviation(
            "scale of the pixels", "not stated; the mean image is subtracted", "x / 255; the mean image is subtracted"
        ),
        Deviation("memory of ResNet-1001", "mini-batch 128 on 2 GPUs", "128 on one device", ("paper",)),
        Deviation("training images", "45,000 or 50,000; the text allows both", "{images:,}"),
    ),
)
