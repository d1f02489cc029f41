"""Images brought to one size, and whether the memory holds them."""

from __future__ import annotations

import os

import torch
import torch.nn.functional as F

from experiments.datasets import DataError

MEMORY_FRACTION = 0.5


def resized(images: torch.Tensor, side: int) -> torch.Tensor:
    """uint8 (N, C, H, W) to uint8 (N, C, side, side): bilinear, antialiased, rounded; the same tensor where it fits."""
    if images.shape[2:] == (side, side):
        return images
    out = torch.empty(*images.shape[:2], side, side, dtype=torch.uint8)
    for old, new in zip(images.split(1000), out.split(1000), strict=True):
        new.copy_(F.interpolate(old.float(), (side, side), mode="bilinear", antialias=True).round_().clamp_(0, 255))
    return out


def check_memory(name: str, images: int, channels: int, side: int) -> None:
    """Raise DataError where so many images of one byte a channel and pixel need half of the machine's memory."""
    need = images * channels * side**2
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if need > MEMORY_FRACTION * memory:
        raise DataError(
            f"{name}: {images} images of {side}x{side} need {need / 2**30:.1f} GiB of memory, more "
            f"than half of this machine's {memory / 2**30:.1f} GiB; take a smaller image size or fewer images"
        )
