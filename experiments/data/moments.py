"""Sums over the pixels of training images, exact, from which normalisation and PCA colour noise are computed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch

SLICE = 1000  # images at a time, to save memory


class Moments(Protocol):
    """images: N. total: sum of x over the images, int64 (C, H, W). products: sum of x_c x_d over all pixels, (C, C).

    x are the values from 0 to 255. The sums are exact integers, so they do not depend on the order of the images.
    """

    @property
    def images(self) -> int: ...

    @property
    def total(self) -> torch.Tensor: ...

    @property
    def products(self) -> torch.Tensor: ...


@dataclass(frozen=True)
class Summed:
    """Sums over images that were looked at one part after the other."""

    images: int
    total: torch.Tensor
    products: torch.Tensor

    def __add__(self, other: Summed) -> Summed:
        return Summed(self.images + other.images, self.total + other.total, self.products + other.products)


class MomentsOf:
    """Of images in memory, uint8 (N, C, H, W); each sum is computed when it is first asked for."""

    def __init__(self, images: torch.Tensor) -> None:
        self.images, self.source = len(images), images

    @cached_property
    def total(self) -> torch.Tensor:
        parts = (part.long().sum(0) for part in self.source.cpu().split(SLICE))
        return sum(parts, start=torch.zeros(self.source.shape[1:], dtype=torch.int64))

    @cached_property
    def products(self) -> torch.Tensor:
        parts = (part.transpose(0, 1).flatten(1).double() for part in self.source.cpu().split(SLICE))
        start = torch.zeros(self.source.shape[1], self.source.shape[1], dtype=torch.float64)
        return sum((x @ x.T for x in parts), start=start).long()  # exact: integers below 2^53


def summed(images: torch.Tensor) -> Summed:
    """Both sums of uint8 images (N, C, H, W)."""
    of = MomentsOf(images)
    return Summed(of.images, of.total, of.products)
