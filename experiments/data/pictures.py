"""A user's own images, read one at a time: what a DataLoader's workers hold."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from experiments.data.read_image import read_image
from experiments.data.resize import resized
from experiments.own_images import huggingface, npz


class Pictures(Protocol):
    """Images of one size, by index, with their labels."""

    @property
    def labels(self) -> np.ndarray:
        """int64 (N,)."""
        ...

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        ...

    def __getitem__(self, index: int) -> np.ndarray:
        """uint8 (C, H, W). Raises DataError, naming the image."""
        ...


class Paths:
    """Paths in two arrays: a list of a million strings would be copied, page by page, into every worker process."""

    def __init__(self, paths: Sequence[str]) -> None:
        encoded = [os.fsencode(path) for path in paths]
        self.text = b"".join(encoded)
        self.ends = np.cumsum([len(path) for path in encoded], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> str:
        start = int(self.ends[index - 1]) if index else 0
        return os.fsdecode(self.text[start : int(self.ends[index])])


@dataclass(frozen=True, eq=False)
class Files:
    """Image files, resized and cropped to squares."""

    paths: Paths
    labels: np.ndarray
    shape: tuple[int, int, int]

    def __getitem__(self, index: int) -> np.ndarray:
        return read_image(self.paths[index], self.shape[1], self.shape[0])


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a Hugging Face table, resized and cropped to squares. chosen: which rows, int64 (N,)."""

    table: Any
    column: str
    chosen: np.ndarray
    labels: np.ndarray
    shape: tuple[int, int, int]
    name: str

    def __getitem__(self, index: int) -> np.ndarray:
        found, raw = huggingface.picture_of(self.table, self.column, int(self.chosen[index]), self.name)
        return read_image(found, self.shape[1], self.shape[0], raw)


@dataclass(frozen=True, eq=False)
class Mapped:
    """Images of an uncompressed NumPy archive, resized to squares unless they have the shape already."""

    array: npz.Stored
    labels: np.ndarray
    shape: tuple[int, int, int]

    def __getitem__(self, index: int) -> np.ndarray:
        image = self.array.mapped()[index]
        image = np.ascontiguousarray(image[None] if image.ndim == 2 else image.transpose(2, 0, 1))
        return image if image.shape == self.shape else resized(torch.from_numpy(image)[None], self.shape[1])[0].numpy()


@dataclass(frozen=True, eq=False)
class Chosen:
    """Some images of others. chosen: which, int64 (N,)."""

    pictures: Pictures
    chosen: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        return self.pictures.labels[self.chosen]

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.pictures.shape

    def __getitem__(self, index: int) -> np.ndarray:
        return self.pictures[int(self.chosen[index])]
