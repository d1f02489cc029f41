"""What may the shortcut of a residual unit contain? He et al. 2016, Table 1.

The identity propagates signals best; the paper prints `fail` for an error above 20 %. `quick` (20 layers, CIFAR-10) can
show large effects, such as those of 1x1 convolutions and of a plain net; the paper's failures have 110 layers and need
not appear with 20.
"""

from __future__ import annotations

from experiments.ablation import Ablation, Deviation, Profile, Variant
from experiments.recipes import HE2016_CIFAR
from experiments.settings import DIGITS, FIXED
from experiments.spec import DataSpec, NetSpec, RunSpec


def scaled(shortcut: float, residual: float) -> Variant:
    """Figure 2(b): shortcut * x + residual * F."""
    changes = {"net.shortcut": "scaled", "net.shortcut_scale": shortcut, "net.residual_scale": residual}
    name = f"scaled_{shortcut:g}_{residual:g}"
    return Variant(name, f"constant scaling {shortcut:g}, {residual:g}", changes)


def gated(kind: str, bias: float) -> Variant:
    """Figure 2(c) and (d), with the initial bias of the gates."""
    changes = {"net.shortcut": f"{kind}_gate", "net.gate_bias": bias}
    words = {"exclusive": "exclusive gating", "shortcut": "shortcut-only gating"}[kind]
    return Variant(f"{kind}_gate_b{bias:g}", f"{words}, b_g = {bias:g}", changes)


ROWS = (
    Variant("original", "identity", {"net.shortcut": "identity"}),
    scaled(0.0, 1.0),
    scaled(0.5, 1.0),
    scaled(0.5, 0.5),
    *(gated("exclusive", bias) for bias in (0.0, -1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0)),
    gated("shortcut", 0.0),
    gated("shortcut", -6.0),
    Variant("conv1x1", "1x1 convolution", {"net.shortcut": "conv1x1"}),
    Variant("dropout", "dropout", {"net.shortcut": "dropout"}),
)
# The paper has one row for b_g = 0 to -5; short profiles run b_g = 0 only.
PRINTED = tuple(row.name for row in ROWS if row.name not in {f"exclusive_gate_b-{k}" for k in range(1, 6)})

ABLATION = Ablation(
    name="resnet_shortcut",
    question="What may the shortcut of a residual unit contain?",
    factors=("net.shortcut", "net.shortcut_scale", "net.residual_scale", "net.gate_bias"),
    baseline="original",
    base=RunSpec(net=NetSpec("resnet110"), data=DataSpec("cifar10"), recipe=HE2016_CIFAR),
    variants=ROWS,
    profiles={
        "smoke": Profile(
            seeds=9,
            changes={"net.name": "resnet20", **DIGITS, "recipe.learning_rate": 0.05},
            epochs=3,
            variants=PRINTED,
        ),
        "quick": Profile(seeds=8, changes={"net.name": "resnet20"}, epochs=8, variants=PRINTED),
        "paper": Profile(seeds=5),
    },
    published="he2016_table1",
    paper_net="resnet110",
    failure_error=20.0,
    fixed=FIXED,
    deviations=(
        Deviation("batch normalisation", "statistics over 64 images (2 GPUs of 64)", "over {bn_images} images"),
        Deviation(
            "scale of the pixels", "not stated; the mean image is subtracted", "x / 255; the mean image is subtracted"
        ),
        Deviation("where the size changes: what a gate reads", "not stated", "the unit's input, before the change"),
        Deviation("BN after the 1x1 convolution", "the caption: BN after every weight layer", "yes"),
        Deviation("BN after the gate's convolution; its initial weights", "not stated", "none; as for any convolution"),
        Deviation("scale of dropout", "an expected scale of 0.5", "0.5: not divided by it during training"),
        Deviation("b_g from 0 to -5", "one row, fail", "six rows; only b_g = 0 in smoke and quick"),
        Deviation("training images", "45,000 or 50,000; the text allows both", "{images:,}"),
    ),
)
