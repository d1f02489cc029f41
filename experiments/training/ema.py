"""EMA: the exponential moving average of a net's weights."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Ema:
    """a = d a + (1 - d) w after every step, d = min(decay, (1 + t) / (10 + t)) after t steps; `net` holds a.

    BN's running statistics are averaged like the weights; its counts are copied. As in TensorFlow's Inception, which
    averages BN's own running statistics once more, and lets the decay grow with t, so that early weights are forgotten.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.net = copy.deepcopy(net).requires_grad_(False)
        pairs = list(zip(_tensors(self.net), _tensors(net), strict=True))
        self.averaged = [pair for pair in pairs if pair[0].is_floating_point()]
        self.copied = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self, steps: int) -> None:
        """Average in the weights as they are after `steps` steps."""
        decay = min(self.decay, (1 + steps) / (10 + steps))
        ours, theirs = zip(*self.averaged, strict=True)
        torch._foreach_lerp_(ours, theirs, 1 - decay)
        for mine, new in self.copied:
            mine.copy_(new)


def _tensors(net: nn.Module) -> list[torch.Tensor]:
    return [tensor.detach() for tensor in (*net.parameters(), *net.buffers())]
