"""Resizing images to one size, and checking that they fit into memory."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from experiments import machine
from experiments.datasets import DataError
from experiments.loading import STREAM_ABOVE


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


def memory_needed(images: int, channels: int, side: int) -> int:
    """Bytes: one per channel and pixel."""
    return images * channels * side**2


def is_large(need: int, device: str = "cpu") -> bool:
    """Whether bytes of images are more than STREAM_ABOVE of the machine's memory, or of the device's own."""
    return need > STREAM_ABOVE * min(machine.memory(), machine.device_memory(device))


def check_memory(name: str, images: int, channels: int, side: int) -> None:
    """Raise DataError if the images, one byte per channel and pixel, need more than half of the machine's memory."""
    need, memory = memory_needed(images, channels, side), machine.memory()
    if is_large(need):
        raise DataError(
            f"{name}: {images} images of {side}x{side} need {need / 2**30:.1f} GiB of memory, more "
            f"than half of this machine's {memory / 2**30:.1f} GiB; choose a smaller image size or use fewer images"
        )
