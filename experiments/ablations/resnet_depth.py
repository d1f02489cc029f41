"""Plain against residual nets as depth grows: is there a degradation, and do shortcuts remove it? He et al. 2015.

Figure 6 and Table 6: a factorial of shortcut and depth. With option A both kinds have equal parameters.
smoke shows that it runs. quick (20 and 56 layers, CIFAR-10) should show the plain net of 56 layers behind the one of
20, in training and in test error, and the residual ones not: the effect is of several points.
"""

from __future__ import annotations

from experiments.ablation import Ablation, Deviation, Factor, Profile, Variant
from experiments.recipes import HE2016_CIFAR
from experiments.settings import DIGITS, FIXED
from experiments.spec import DataSpec, NetSpec, RunSpec

DEPTHS = (20, 32, 44, 56, 110)
KINDS = {"plain": "none", "residual": "identity"}


def of_depths(*depths: int) -> tuple[str, ...]:
    return tuple(f"{kind}{depth}" for depth in depths for kind in KINDS)


ABLATION = Ablation(
    name="resnet_depth",
    question="Do deeper plain nets get worse, and residual nets better?",
    kind="factorial",
    factors=("net.shortcut", Factor("depth", ("net.name",))),
    baseline="plain20",
    base=RunSpec(net=NetSpec("resnet110"), data=DataSpec("cifar10"), recipe=HE2016_CIFAR),
    variants=tuple(
        Variant(f"{kind}{depth}", f"{kind}, {depth} layers", {"net.name": f"resnet{depth}", "net.shortcut": shortcut})
        for depth in DEPTHS
        for kind, shortcut in KINDS.items()
    ),
    profiles={
        "smoke": Profile(
            seeds=2,
            changes={**DIGITS, "recipe.learning_rate": 0.05},
            epochs=6,
            variants=of_depths(20, 32),
        ),
        "quick": Profile(seeds=3, epochs=8, variants=of_depths(20, 56)),
        "paper": Profile(seeds=5),
    },
    published="he2015_table6",
    fixed=FIXED,
    deviations=(
        Deviation("warm-up", "110 layers only, until the training error is below 80 %", "400 iterations, every depth"),
        Deviation("batch normalisation", "statistics over 64 images (2 GPUs of 64)", "over all 128"),
        Deviation("scale of the pixels", "not stated, mean image subtracted", "x / 255, mean image subtracted"),
        Deviation("runs", "5 of 110 layers, one of the others", "5 of each"),
        Deviation("1202 layers", "7.93 %, residual", "left out: a factorial would need the plain one too"),
    ),
)
