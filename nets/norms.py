"""Normalisation layers by name, as one option of every net: batch, group, layer, instance, none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from torch import nn

from nets.options import Count, OneOf


def groups_of(channels: int, groups: int) -> int:
    """The largest divisor of `groups` that divides the channels and leaves two or more in each group; at least 1."""
    return max(g for g in range(1, groups + 1) if g == 1 or (groups % g == channels % g == 0 and channels >= 2 * g))


# A row is a function of (channels, groups, eps).
NORMS: dict[str, Callable[[int, int, float], nn.Module]] = {
    "batch": lambda channels, groups, eps: nn.BatchNorm2d(channels, eps),  # Ioffe and Szegedy 2015
    "group": lambda channels, groups, eps: nn.GroupNorm(groups_of(channels, groups), channels, eps),  # Wu and He 2018
    "layer": lambda channels, groups, eps: nn.GroupNorm(1, channels, eps),  # over C, H and W: Wu and He 2018, 3.1
    "instance": lambda channels, groups, eps: nn.InstanceNorm2d(channels, eps, affine=True),  # Ulyanov et al. 2016
    "none": lambda channels, groups, eps: nn.Identity(),
}
NormName = Annotated[str, OneOf(NORMS)]

NORM_LAYERS = (nn.BatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d, nn.LayerNorm)


@dataclass(frozen=True)
class NormSpec:
    """y = (x - mean) / sqrt(var + eps) * weight + bias, with mean and variance over what `norm` names.

    batch: each channel over the mini-batch; group: `norm_groups` groups of channels of one image, fewer where there
    are few channels (see groups_of); layer: all channels of one image; instance: each channel of one image. none: no
    such layer, and the convolutions have a bias instead.
    """

    norm: NormName = "batch"
    norm_groups: Count = 32  # Wu and He 2018, section 4

    @property
    def normalises(self) -> bool:
        return self.norm != "none"

    def layer(self, channels: int, eps: float = 1e-5) -> nn.Module:
        """A new normalisation layer: (N, channels, H, W) -> the same."""
        return NORMS[self.norm](channels, self.norm_groups, eps)


BATCH_NORM = NormSpec()
