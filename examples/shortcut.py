"""Does it help to keep the variance of a residual sum at that of its terms?"""

import math

import torch

from experiments.ablation import Ablation, Profile, Variant
from experiments.settings import DIGITS
from experiments.spec import NetSpec, RunSpec
from nets.shortcuts import SHORTCUTS, Shortcut


class Balanced(Shortcut):
    """(R(x) + F) / sqrt(2), with R(x) the unit's input resized to the branch."""

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return super().forward(x, residual) / math.sqrt(2)


SHORTCUTS["balanced"] = Balanced

ABLATION = Ablation(
    name="balanced_sum",
    question="Does it help to keep the variance of a residual sum at that of its terms?",
    factors=("net.shortcut",),
    baseline="identity",
    base=RunSpec(net=NetSpec("resnet20", {"order": "full_preact"})),
    variants=(
        Variant("identity", "sum", {"net.shortcut": "identity"}),
        Variant("balanced", "sum over the root of 2", {"net.shortcut": "balanced"}),
    ),
    profiles={
        "smoke": Profile(seeds=3, changes={**DIGITS, "recipe.learning_rate": 0.05}, epochs=6),
        "paper": Profile(seeds=5),
    },
)
