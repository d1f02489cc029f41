"""Plain and residual nets of growing depth: do plain nets degrade, and do shortcuts prevent it? He et al. 2015.

Figure 6 and Table 6: a factorial of shortcut and depth. With option A both kinds have equal parameters. `quick` (20 and
56 layers, CIFAR-10) should show that the plain net of 56 layers is worse than that of 20 layers, in training and test
error, and that the residual net is not: the effect is several points.
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
            seeds=11,
            changes={**DIGITS, "recipe.learning_rate": 0.05},
            epochs=3,
            variants=of_depths(20, 32),
        ),
        "quick": Profile(seeds=8, epochs=8, variants=of_depths(20, 56)),
        "paper": Profile(seeds=5),
    },
    published="he2015_table6",
    fixed=FIXED,
    deviations=(
        Deviation(
            "warm-up",
            "110 layers only, until the training error is below 80 %",
            "{warmup:.3%} of the iterations, every depth",
        ),
        Deviation("batch normalisation", "statistics over 64 images (2 GPUs of 64)", "over {bn_images} images"),
        Deviation(
            "scale of the pixels", "not stated; the mean image is subtracted", "x / 255; the mean image is subtracted"
        ),
        Deviation("1202 layers", "7.93 %, residual", "left out: a factorial would also need the plain net"),
    ),
)
