"""Growth, bottleneck, compression; and DenseNet against a ResNet with as many parameters. Huang et al. 2017, Table 2.

Each variant changes one thing in DenseNet-BC-100 (k = 12, 769,162 parameters), or replaces the net by another one of
the table. The ResNet of the same size is a ResNet-164 with full pre-activation and 0.675 of its width: 763,018
parameters (-0.8 %). `--dataset cifar100` runs the table's other column. `quick` (40 layers, CIFAR-10) should show the
effect of growth; bottleneck and compression trade error for parameters and may remain undecided.
"""

from __future__ import annotations

from experiments.ablation import Ablation, Deviation, Factor, Profile, Variant
from experiments.recipes import DENSENET_CIFAR
from experiments.settings import DIGITS, FIXED
from experiments.spec import DataSpec, NetSpec, RunSpec

WHOLE = "the whole net"
ADAPTED = ("net.name", "net.bottleneck", "net.compression")
PURE = ("bc100_12", "growth_24", "no_bottleneck", "no_compression")
# A DenseNet-BC of 40 layers has 176,122 parameters, a ResNet-20 with 0.8 of its width 171,360 (-2.7 %).
SMALL = {"net.name": "densenet40", "net.bottleneck": True, "net.compression": 0.5}


def whole(name: str, label: str, net: str, **options: object) -> Variant:
    return Variant(name, label, {"net": NetSpec(net, options)}, WHOLE)


ABLATION = Ablation(
    name="densenet",
    question="What do growth, bottleneck and compression achieve, and does DenseNet beat a ResNet of its size?",
    kind="parts",
    # The stem has 2k maps with bottleneck and compression, else 16; it stays at 24 where one of them is removed.
    factors=(
        Factor("growth", ("net.growth",)),
        Factor("bottleneck", ("net.bottleneck", "net.stem_width")),
        Factor("compression", ("net.compression", "net.stem_width")),
        Factor(WHOLE, ("net",)),
    ),
    baseline="bc100_12",
    base=RunSpec(
        net=NetSpec("densenet_bc100"), data=DataSpec("cifar10", normalisation="channel"), recipe=DENSENET_CIFAR
    ),
    variants=(
        Variant("bc100_12", "DenseNet-BC, k = 12", {}),
        Variant("growth_24", "k = 24", {"net.growth": 24}, "growth"),
        Variant("no_bottleneck", "without bottlenecks", {"net.bottleneck": False, "net.stem_width": 24}, "bottleneck"),
        Variant("no_compression", "without compression", {"net.compression": 1.0, "net.stem_width": 24}, "compression"),
        whole("resnet164_equal", "ResNet-164 of equal parameters", "resnet164", order="full_preact", width=0.675),
        whole(
            "resnet20_equal",
            "ResNet-20 of equal parameters",
            "resnet20",
            order="full_preact",
            width=0.8,
            downsample="B",
        ),
        whole("densenet40_12", "DenseNet-40, k = 12", "densenet40"),
        whole("densenet100_12", "DenseNet-100, k = 12", "densenet100"),
        whole("densenet100_24", "DenseNet-100, k = 24", "densenet100", growth=24),
        whole("bc250_24", "DenseNet-BC-250, k = 24", "densenet_bc250"),
        whole("bc190_40", "DenseNet-BC-190, k = 40", "densenet_bc190"),
        whole("resnet110", "ResNet-110", "resnet110"),
        whole("resnet164_preact", "ResNet-164, pre-activation", "resnet164", order="full_preact"),
        whole("resnet1001_preact", "ResNet-1001, pre-activation", "resnet1001", order="full_preact"),
    ),
    profiles={
        "smoke": Profile(
            seeds=7,
            changes={**SMALL, **DIGITS, "data.train_images": 720},
            epochs=2,
            variants=(*PURE, "resnet20_equal"),
            adapts=ADAPTED,
        ),
        "quick": Profile(
            seeds=8,
            changes={**SMALL, "recipe.batch_size": 64},
            epochs=3,
            variants=(*PURE, "resnet20_equal"),
            adapts=ADAPTED,
        ),
        "paper": Profile(
            seeds=3,
            variants=(
                *PURE,
                "resnet164_equal",
                "densenet40_12",
                "densenet100_12",
                "densenet100_24",
                "bc250_24",
                "bc190_40",
                "resnet110",
                "resnet164_preact",
                "resnet1001_preact",
            ),
        ),
    },
    published="huang2017_table2",
    fixed=FIXED,
    deviations=(
        Deviation("recipe of the ResNets", "their own papers' (the errors are quoted)", "DenseNet's for all"),
        Deviation("weight decay", "1e-4; which parameters is not stated", "all parameters, as in the authors' code"),
        Deviation("without augmentation", "errors of C10 and C100 with dropout 0.2", "not run"),
    ),
)
