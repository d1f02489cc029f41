"""Which recipe suits a small ResNet: SGD in steps, AdamW along a cosine, or AdaGrad along an inverse root?"""

import math

import torch

from experiments.ablation import Ablation, Factor, Profile, Variant
from experiments.recipes import Recipe
from experiments.settings import DIGITS
from experiments.spec import NetSpec, RunSpec
from experiments.training.optimisers import OPTIMISERS, Optimiser
from experiments.training.schedule import SCHEDULES, Schedule, warmup_steps


def inverse_root(step: int, recipe: Recipe) -> float:
    """1 at the end of the warm-up, and then as the root of warm-up over step (Vaswani et al. 2017)."""
    return math.sqrt(max(warmup_steps(recipe), 1) / max(step, 1))


SCHEDULES["inverse_root"] = Schedule(inverse_root)
OPTIMISERS["adagrad"] = Optimiser(lambda groups, recipe: torch.optim.Adagrad(groups, recipe.learning_rate))

ADAMW = {
    "recipe.optimiser": "adamw",
    "recipe.learning_rate": 0.003,
    "recipe.weight_decay": 0.05,
    "recipe.schedule": "cosine",
}
OWN = {"recipe.optimiser": "adagrad", "recipe.learning_rate": 0.03, "recipe.schedule": "inverse_root"}

ABLATION = Ablation(
    name="small_recipes",
    question="Which recipe suits a small ResNet?",
    factors=(
        Factor(
            "recipe",
            ("recipe.optimiser", "recipe.learning_rate", "recipe.weight_decay", "recipe.schedule", "recipe.mixup"),
        ),
    ),
    baseline="sgd",
    base=RunSpec(net=NetSpec("resnet20"), recipe=Recipe(warmup=0.05, warmup_shape="linear", learning_rate=0.05)),
    variants=(
        Variant("sgd", "SGD, milestones", {}),
        Variant("adamw", "AdamW, cosine", ADAMW),
        Variant("adamw_mixup", "AdamW, cosine, mixup", {**ADAMW, "recipe.mixup": 0.2}),
        Variant("adagrad", "AdaGrad, inverse root", OWN),
    ),
    profiles={
        "smoke": Profile(seeds=3, changes=DIGITS, epochs=6),
        "quick": Profile(seeds=3, epochs=8),
    },
)
