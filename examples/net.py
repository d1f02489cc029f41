"""Is a 5x5 convolution better than two of 3x3, with the same field of view?"""

from typing import Literal

import torch
from torch import nn

import nets
from experiments.ablation import Ablation, Profile, Variant
from experiments.settings import DIGITS
from experiments.spec import NetSpec, RunSpec


@nets.register("three_stages")
class ThreeStages(nn.Module):
    """Three stages of convolutions with pooling between them; every parameter but the first two is an option."""

    def __init__(
        self, num_classes: int = 10, in_channels: int = 3, filters: Literal["5x5", "3x3_twice"] = "5x5", width: int = 16
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList()
        for stage in range(3):
            channels = width * 2**stage
            self.stages.append(nn.Sequential(*self.convolutions(filters, in_channels, channels)))
            in_channels = channels
        self.fc = nn.Linear(in_channels, num_classes)

    @staticmethod
    def convolutions(filters: str, channels: int, out: int) -> list[nn.Module]:
        if filters == "5x5":
            return [nn.Conv2d(channels, out, 5, padding=2), nn.BatchNorm2d(out), nn.ReLU()]
        first = [nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()]
        return [*first, nn.Conv2d(out, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for number, stage in enumerate(self.stages):
            x = stage(x if number == 0 else nn.functional.max_pool2d(x, 2))
        return self.fc(x.mean((2, 3)))


ABLATION = Ablation(
    name="filter_size",
    question="Is a 5x5 convolution better than two of 3x3?",
    factors=("net.filters",),
    baseline="5x5",
    base=RunSpec(net=NetSpec("three_stages")),
    variants=(
        Variant("5x5", "one 5x5", {"net.filters": "5x5"}),
        Variant("3x3_twice", "two 3x3", {"net.filters": "3x3_twice"}),
    ),
    profiles={
        "smoke": Profile(seeds=3, changes={**DIGITS, "recipe.learning_rate": 0.05}, epochs=6),
        "quick": Profile(seeds=3, epochs=8),
    },
)
