"""What a residual branch may have besides convolutions, norms and activations: attention, dropped branches, groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import nn

from nets.downsampling import Antialias
from nets.options import Count, OneOf, Positive, ProbabilityBelow1


class SqueezeExcite(nn.Module):
    """y = x * sigmoid(W2 relu(W1 mean(x) + b1) + b2), one factor per image and channel.

    (N, C, H, W) -> the same, with C / reduction values between W1 and W2. Hu et al. 2018 (1709.01507), equation 3 and
    Figure 3. The fully connected layers have biases, as in the authors' code.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        inner = max(1, channels // reduction)
        self.fc1 = nn.Conv2d(channels, inner, 1)
        self.relu = nn.ReLU()
        self.fc2 = nn.Conv2d(inner, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(self.fc2(self.relu(self.fc1(x.mean((2, 3), keepdim=True)))))


class StochasticDepth(nn.Module):
    """y = m x / (1 - p) in training, with m = 0 for each image with probability p, else 1; y = x in evaluation.

    Huang et al. 2016 (1603.09382), section 3. Deviations, as in torchvision and timm: each image is dropped on its own,
    not the mini-batch, and the scale is kept in training, not restored in evaluation. Draws come from PyTorch's global
    random stream, as those of nn.Dropout do.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.p == 0:
            return x
        kept = x.new_empty((len(x), 1, 1, 1)).bernoulli_(1 - self.p)
        return x * kept.div_(1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"


# A row is a function of (channels, reduction): a layer at the end of a branch, before the sum.
ATTENTIONS: dict[str, Callable[[int, int], nn.Module] | None] = {"none": None, "squeeze_excite": SqueezeExcite}
AttentionName = Annotated[str, OneOf(ATTENTIONS)]


@dataclass(frozen=True)
class BranchSpec:
    """The options of a branch.

    cardinality, bottleneck_width: groups of a bottleneck's 3x3 convolution, and a factor on its width; ResNeXt-50
        32x4d has 32 and 2 (Xie et al. 2017, 1611.05431), Wide ResNet-50-2 has 1 and 2 (Zagoruyko and Komodakis 2016).
    attention: the layer at the end of every branch; attention_reduction: of squeeze-excite (the paper: 16).
    antialias: "blur": a convolution with stride 2 has stride 1, and BlurPool with stride 2 follows its activation, and
        the maximum of the stem's pooling (Zhang 2019).
    stochastic_depth: the probability p_L with which the last branch is dropped; that of branch l of L is p_L l / L.
    """

    cardinality: Count = 1
    bottleneck_width: Positive = 1.0
    attention: AttentionName = "none"
    attention_reduction: Count = 16
    antialias: Antialias = "none"
    stochastic_depth: ProbabilityBelow1 = 0.0


PLAIN_BRANCH = BranchSpec()
