"""A user's file: a net with every kind of random value that a constructor or a forward pass can draw."""

import random

import numpy as np
import torch
from torch import nn

import nets
from experiments.ablation import Ablation, Profile, Variant
from experiments.spec import DataSpec, NetSpec, Recipe, RunSpec


@nets.register("drawn")
class Drawn(nn.Module):
    """Conv1d over the rows of an 8 x 8 image, an embedding of the quantised pixels, random parameter and buffers."""

    def __init__(self, num_classes: int = 10, width: int = 6) -> None:
        super().__init__()
        self.conv = nn.Conv1d(8, width, 3, padding=1)
        self.embedding = nn.Embedding(17, 2)
        self.scale = nn.Parameter(torch.randn(width, 1))
        self.register_buffer("mask", torch.rand(width, 8))
        self.register_buffer("shift", torch.tensor(np.random.rand(), dtype=torch.float32))
        self.factor = random.uniform(0.5, 1.5)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(width * 8 + 128, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x[:, 0]
        features = self.factor * self.conv(rows) * self.scale * self.mask + self.shift
        words = self.embedding(((rows + 1) * 8).clamp(0, 16).long()).flatten(1)
        return self.head(self.dropout(torch.cat([features.relu().flatten(1), words], 1)))


RECIPE = Recipe(iterations=60, batch_size=32, learning_rate=0.05, crop_padding=0, flip=False)
ABLATION = Ablation(
    name="own_net",
    question="Is a net of one's own repeatable?",
    factors=("net.width",),
    baseline="narrow",
    base=RunSpec(net=NetSpec("drawn"), data=DataSpec("digits"), recipe=RECIPE),
    variants=(Variant("narrow", "narrow", {"net.width": 4}), Variant("wide", "wide", {"net.width": 6})),
    profiles={"smoke": Profile(seeds=2)},
)
