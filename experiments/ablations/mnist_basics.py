"""LeNet, the lectures' Inception net and residual net on MNIST: does a better idea show on an easy data set?

LeCun et al. 1998 and Liu Er, "PyTorch Deep Learning Practice", lectures 10 and 11, whose numbers are from one run each.
`quick` is the lectures' protocol with 8 seeds: it can show differences of 0.2 points, and should find that the
published differences are within the noise between runs.
"""

from __future__ import annotations

from experiments.ablation import Ablation, Deviation, Factor, Profile, Variant
from experiments.recipes import LECTURE_MNIST
from experiments.settings import DIGITS, FIXED, without
from experiments.spec import DataSpec, NetSpec, RunSpec

SMALL = {**without(DIGITS, "recipe.crop_padding"), "data.image_size": 28}

ABLATION = Ablation(
    name="mnist_basics",
    question="Which of the lectures' nets is best on MNIST?",
    factors=(Factor("net", ("net",)),),
    baseline="cnn",
    base=RunSpec(net=NetSpec("mnist_cnn"), data=DataSpec("mnist", normalisation="channel"), recipe=LECTURE_MNIST),
    variants=(
        Variant("cnn", "the lectures' basic net", {"net": NetSpec("mnist_cnn")}),
        Variant("inception", "Inception net", {"net": NetSpec("mnist_inception")}),
        Variant("residual", "residual net", {"net": NetSpec("mnist_resnet")}),
        Variant("lenet", "LeNet, ReLU and max pooling", {"net": NetSpec("lenet", {"padding": 2})}),
        Variant("lenet5", "LeNet-5", {"net": NetSpec("lenet5", {"padding": 2})}),
    ),
    profiles={
        "smoke": Profile(seeds=17, changes={**SMALL, "recipe.learning_rate": 0.02}, epochs=4),
        "quick": Profile(seeds=8),
        "paper": Profile(seeds=5),
    },
    published="mnist_lectures",
    fixed=FIXED,
    deviations=(
        Deviation("LeNet-5's training", "that of 1998", "the lectures' recipe"),
        Deviation(
            "LeNet-5's target codes and loss", "drawn characters, mean squared distance", "random codes, cross-entropy"
        ),
    ),
)
