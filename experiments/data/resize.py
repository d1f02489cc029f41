"""Resizing images to one size, and checking that they fit into memory."""

from __future__ import annotations

import psutil
import torch
import torch.nn.functional as F

from experiments.datasets import DataError

MEMORY_FRACTION = 0.5


def resized(images: torch.Tensor, side: int) -> torch.Tensor:
    """uint8 (N, C, H, W) to uint8 (N, C, side, side): bilinear, antialiased, rounded.

    Images that have this size already are returned as they are.
    """
    if images.shape[2:] == (side, side):
        return images
    out = torch.empty(*images.shape[:2], side, side, dtype=torch.uint8)
    for old, new in zip(images.split(1000), out.split(1000), strict=True):
        new.copy_(F.interpolate(old.float(), (side, side), mode="bilinear", antialias=True).round_().clamp_(0, 255))
    return out


def check_memory(name: str, images: int, channels: int, side: int) -> None:
    """Raise DataError if the images, one byte per channel and pixel, need more than half of the machine's memory."""
    need = images * channels * side**2
    memory = psutil.virtual_memory().total
    if need > MEMORY_FRACTION * memory:
        raise DataError(
            f"{name}: {images} images of {side}x{side} need {need / 2**30:.1f} GiB of memory, more "
            f"than half of this machine's {memory / 2**30:.1f} GiB; choose a smaller image size or use fewer images"
        )
