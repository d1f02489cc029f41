"""Is the identity still better than well-built gates with equal parameters? Srivastava's comparison.

github.com/flukeskywalker/highway-resnet-comparison answers He et al. 2016, Table 1: gates of two 3x3 convolutions with
BN, no ReLU after the addition, projections where the size changes. Its nets have 1,727,962 (residual) and 2,649,918
(highway) parameters. Here each is compared with a net of its own size: at 110 layers 1,727,962 with 1,695,964 (-1.9 %)
and 2,649,918 with 2,696,234 (+1.7 %); at 20 layers 0.27 million with 0.27, and 0.42 with 0.42. `quick` (20 layers,
CIFAR-10) can show a difference of two points or more; the published difference is 0.2, from one run each.
"""

from __future__ import annotations

from analysis.published import recipes as published
from experiments.ablation import Ablation, Deviation, Profile, Variant
from experiments.recipes import with_choices
from experiments.settings import DIGITS, FIXED
from experiments.spec import DataSpec, NetSpec, RunSpec

# One epoch of warm-up, and decay on all parameters, as in the comparison's code.
RECIPE = with_choices(published.SRIVASTAVA, warmup=1 / 200, decay="all")
HIGHWAY = {"net.shortcut": "highway", "net.order": "relu_before_add", "net.downsample": "B"}

ABLATION = Ablation(
    name="highway",
    question="Is the identity still better than well-built gates with equal parameters?",
    factors=("net.shortcut", "net.order", "net.downsample", "net.gate_bias", "net.width"),
    baseline="residual",
    base=RunSpec(net=NetSpec("resnet110"), data=DataSpec("cifar10"), recipe=RECIPE),
    variants=(
        Variant("residual", "residual", {"net.shortcut": "identity"}),
        Variant("highway_narrow", "highway, as large as the residual net", {**HIGHWAY, "net.width": 0.71}),
        Variant("highway", "highway", {**HIGHWAY, "net.width": 0.875}),
        Variant("residual_wide", "residual, as large as the highway net", {"net.width": 1.25}),
        Variant("exclusive_gate", "He et al.'s gate, b_g = -6", {"net.shortcut": "exclusive_gate"}),
    ),
    profiles={
        "smoke": Profile(seeds=5, changes={"net.name": "resnet20", **DIGITS, "recipe.learning_rate": 0.05}, epochs=3),
        "quick": Profile(seeds=8, changes={"net.name": "resnet20"}, epochs=8),
        "paper": Profile(seeds=5),
    },
    published="srivastava_highway",
    paper_net="resnet110",
    fixed=FIXED,
    deviations=(
        Deviation("precision", "bfloat16 (automatic mixed)", "{precision}"),
        Deviation("parameters", "1,727,962 and 2,649,918", "both kinds in each size, equal within 2 %"),
    ),
)
