"""The training or the test images of a data set, in memory; what every kind of supply offers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch

from experiments.data.moments import Moments, MomentsOf

Order = Callable[[int], torch.Tensor]  # the indices of the batch of a step, on the CPU


class Feed(Protocol):
    """The images of one step after the other."""

    def __call__(self, step: int, index: torch.Tensor) -> tuple[Split, torch.Tensor]:
        """Images and labels that hold those of `index` (the step's, on the device), and where they lie in them."""
        ...

    def close(self) -> None:
        """Read nothing ahead any more."""
        ...


class Images(Protocol):
    """Images uint8 (N, C, H, W) with labels int64 (N,), wherever they are kept."""

    @property
    def labels(self) -> torch.Tensor: ...

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        ...

    @property
    def moments(self) -> Moments: ...

    def to(self, device: torch.device) -> Images:
        """The same, with all that a batch needs on this device."""
        ...

    def first(self, count: int) -> Split:
        """The first images, in memory on the device."""
        ...

    def batches(self, size: int, first: int = 0, every: int = 1) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """All images with their labels, on the device, in order; or only batches first, first + every, ..."""
        ...

    def feed(self, order: Order, steps: int) -> Feed:
        """For training: of the steps below `steps`, in any order, quickest one after the other."""
        ...


@dataclass(frozen=True)
class Split:
    """images: uint8 (N, C, H, W); labels: int64 (N,). On one device."""

    images: torch.Tensor
    labels: torch.Tensor

    @property
    def shape(self) -> tuple[int, int, int]:
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    @cached_property
    def moments(self) -> Moments:
        return MomentsOf(self.images)

    def to(self, device: torch.device) -> Split:
        return Split(self.images.to(device), self.labels.to(device))

    def first(self, count: int) -> Split:
        return Split(self.images[:count], self.labels[:count])

    def batches(self, size: int, first: int = 0, every: int = 1) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return zip(self.images.split(size)[first::every], self.labels.split(size)[first::every], strict=True)

    def feed(self, order: Order, steps: int) -> Feed:
        return InMemory(self)


@dataclass(frozen=True)
class InMemory:
    """All images are there at every step."""

    split: Split

    def __call__(self, step: int, index: torch.Tensor) -> tuple[Split, torch.Tensor]:
        return self.split, index

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Dataset:
    """A data set: its training and its test images."""

    name: str
    train: Images
    test: Images
    classes: int
