"""What is known of a data set before it is loaded: a row of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Returns train images, train labels, test images, test labels: arrays or tensors; images uint8 (N, C, H, W).
Loader = Callable[[], tuple[Any, Any, Any, Any]]


class DataError(Exception):
    """A data set cannot be used; one line says why and what to do."""


@dataclass(frozen=True)
class Sums:
    """SHA-256 of the four arrays of a data set."""

    train_images: str
    train_labels: str
    test_images: str
    test_labels: str


@dataclass(frozen=True)
class DatasetInfo:
    """One data set.

    shape: (channels, height, width) of an image, in pixels.
    sources: where it comes from, tried in this order after the local cache; "kind:what", with a kind of
        `experiments.data.sources`.
    sums: None if they have not been recorded; then the official MD5 is checked.
    crop_padding, flip: the usual training augmentation: zero padding in pixels on each side before a random
        crop to the image's size, and whether images are flipped left to right at random.
    loader: reads a data set of the user's own; see `experiments.datasets.register`.
    usual_size: of images of many sizes, the side to which a command resizes them unless it says otherwise: the median
        short side of the training images, at most 224 pixels.
    notes: what a person should know before training, one line each.
    """

    name: str
    classes: int
    train_images: int
    test_images: int
    shape: tuple[int, int, int]
    sources: tuple[str, ...]
    sums: Sums | None
    crop_padding: int
    flip: bool
    loader: Loader | None = None
    usual_size: int | None = None
    notes: tuple[str, ...] = ()
