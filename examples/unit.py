"""Does a residual unit need the ReLU before its first convolution? Han et al. 2017 (PyramidNet), Figure 6(d)."""

from experiments.ablation import Ablation, Profile, Variant
from experiments.settings import DIGITS
from experiments.spec import NetSpec, RunSpec
from nets.residual import ORDERS, Order

# b is BN, r is ReLU: BN, conv, BN, ReLU, conv, BN, and then the addition.
ORDERS["without_first_relu"] = Order(lead="b", between="br", tail="b", after="")

ABLATION = Ablation(
    name="first_relu",
    question="Does a residual unit need the ReLU before its first convolution?",
    factors=("net.order",),
    baseline="full_preact",
    base=RunSpec(net=NetSpec("resnet20")),
    variants=(
        Variant("full_preact", "full pre-activation", {"net.order": "full_preact"}),
        Variant("without_first_relu", "without the first ReLU", {"net.order": "without_first_relu"}),
    ),
    profiles={
        "smoke": Profile(seeds=3, changes={**DIGITS, "recipe.learning_rate": 0.05}, epochs=6),
        "paper": Profile(seeds=5),
    },
)
