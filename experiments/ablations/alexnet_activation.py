"""How much sooner does ReLU reach 25 % training error than tanh? Krizhevsky et al. 2012, Figure 1: about six times.

The paper tuned the learning rate separately for each net. Here every activation is trained at every rate, and judged at
its best one, which reaches 25 % training error first. `quick` (CIFAR-10, 15 epochs) should show ReLU first; if tanh
does not reach 25 % in 15 epochs, only a lower bound of the ratio is known.
"""

from __future__ import annotations

from analysis.published import recipes as published
from experiments.ablation import Ablation, Deviation, Profile, Variant
from experiments.recipes import CIFAR, iterations_of, with_choices
from experiments.settings import DIGITS, FIXED
from experiments.spec import DataSpec, NetSpec, RunSpec

RATES = (0.003, 0.01, 0.03, 0.1)
# The figure ends at epoch 40; the paper's batch size, and a constant rate.
RECIPE = with_choices(
    published.FIGURE_1, iterations=iterations_of(CIFAR, 40, batch_size=128), batch_size=128, milestones=(), warmup=0.0
)


def at_rates(*rates: float) -> tuple[str, ...]:
    return tuple(f"{activation}_{rate:g}" for activation in ("relu", "tanh") for rate in rates)


ABLATION = Ablation(
    name="alexnet_activation",
    question="How much sooner does ReLU reach 25 % training error than tanh?",
    kind="factorial",
    factors=("net.activation", "recipe.learning_rate"),
    baseline="tanh_0.01",
    base=RunSpec(net=NetSpec("alexnet_fig1"), data=DataSpec("cifar10"), recipe=RECIPE),
    variants=tuple(
        Variant(
            f"{activation}_{rate:g}",
            f"{label}, rate {rate:g}",
            {"net.activation": activation, "recipe.learning_rate": rate},
        )
        for activation, label in (("relu", "ReLU"), ("tanh", "tanh"))
        for rate in RATES
    ),
    profiles={
        "smoke": Profile(
            seeds=9, changes={**DIGITS, "recipe.crop_padding": 0}, epochs=2, variants=at_rates(0.01, 0.03)
        ),
        "quick": Profile(seeds=8, epochs=15),
        "paper": Profile(seeds=5),
    },
    published="krizhevsky2012_figure1",
    paper_net="alexnet_fig1",
    target_train_error=25.0,
    fixed=FIXED,
    deviations=(
        Deviation(
            "the net", "a four-layer convolutional net, without details", "cuda-convnet's layers-18pct, without LRN"
        ),
        Deviation("learning rates", "chosen for each net, not stated", f"the best of {', '.join(map(str, RATES))}"),
        Deviation("initial weights", "not stated", "He et al. 2015, equal for both"),
        Deviation("training error", "not stated whether during or after an epoch", "mean over the epoch's batches"),
    ),
)
