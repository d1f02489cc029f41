"""What do local response normalisation and dropout achieve, alone and together? Krizhevsky et al. 2012, section 3.3.

A 2x2 factorial on cuda-convnet's net for CIFAR-10. The paper's "13 % without and 11 % with normalisation" compares two
nets that also differ in the width of a layer, weight decay and training length (cuda-convnet's 13pct and 11pct layers);
nobody has published a comparison that changes nothing else. Those nets have no dropout: here it precedes the last
layer. `quick` (CIFAR-10) can show effects of one or two points.
"""

from __future__ import annotations

from experiments.ablation import Ablation, Deviation, Profile, Variant
from experiments.recipes import CUDA_CONVNET
from experiments.settings import DIGITS, FIXED
from experiments.spec import DataSpec, NetSpec, RunSpec

ABLATION = Ablation(
    name="alexnet_lrn_dropout",
    question="What do local response normalisation and dropout achieve, alone and together?",
    kind="factorial",
    factors=("net.lrn", "net.dropout"),
    baseline="neither",
    base=RunSpec(net=NetSpec("alexnet_cifar"), data=DataSpec("cifar10"), recipe=CUDA_CONVNET),
    variants=(
        Variant("neither", "neither", {"net.lrn": False, "net.dropout": 0.0}),
        Variant("lrn", "LRN", {"net.lrn": True, "net.dropout": 0.0}),
        Variant("dropout", "dropout", {"net.lrn": False, "net.dropout": 0.5}),
        Variant("both", "LRN and dropout", {"net.lrn": True, "net.dropout": 0.5}),
    ),
    profiles={
        "smoke": Profile(seeds=17, changes={**DIGITS, "data.image_size": 16, "recipe.learning_rate": 0.02}, epochs=2),
        "quick": Profile(seeds=8, changes={"recipe.learning_rate": 0.01, "recipe.milestones": (0.5, 0.75)}, epochs=20),
        "paper": Profile(seeds=5),
    },
    published="krizhevsky2012_cifar",
    paper_net="alexnet_cifar",
    fixed=FIXED,
    deviations=(
        Deviation("what differs besides LRN", "a width, weight decay, 160 or 520 epochs", "nothing"),
        Deviation("last two layers", "3x3 without shared weights", "3x3 convolutions"),
        Deviation("learning rate of biases", "twice that of weights", "that of weights"),
        Deviation(
            "weight decay", "0 in conv1 and conv2; 0.004, in the last layer 0.004 or 0.01", "{weight_decay} on all"
        ),
        Deviation("initial weights", "normal, 0.0001 to 0.04, for pixels of 0 to 255", "He et al. 2015, for 0 to 1"),
        Deviation("dropout", "not in these nets", "0.5 before the last layer, scaled during training"),
    ),
)
