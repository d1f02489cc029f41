"""Inception's training crops: windows of random area and aspect, resized to one size, many images at once."""

from __future__ import annotations

import math

import torch

ASPECTS = (3 / 4, 4 / 3)  # Szegedy et al. 2014, section 6
TRIES = 10


def draw_boxes(count: int, side: int, area: tuple[float, float], generator: torch.Generator) -> torch.Tensor:
    """int64 (4, count): top, left, height and width, in pixels, of windows of a side x side image.

    The share of the area is uniform, the logarithm of the aspect too, as in torchvision; the first of TRIES windows
    that fits is taken, the whole image where none does.
    """
    shape = (TRIES, count)
    low, high = area
    pixels = side**2 * (low + (high - low) * torch.rand(shape, generator=generator, dtype=torch.float64))
    wide, tall = (math.log(aspect) for aspect in ASPECTS)
    aspect = torch.exp(wide + (tall - wide) * torch.rand(shape, generator=generator, dtype=torch.float64))
    place = torch.rand((2, count), generator=generator, dtype=torch.float64)
    heights, widths = (pixels / aspect).sqrt().round(), (pixels * aspect).sqrt().round()
    fits = (heights >= 1) & (heights <= side) & (widths >= 1) & (widths <= side)
    first = fits.to(torch.uint8).argmax(0, keepdim=True)
    whole = torch.full((count,), float(side), dtype=torch.float64)
    height, width = (torch.where(fits.any(0), sizes.gather(0, first)[0], whole) for sizes in (heights, widths))
    top, left = (place * (side - torch.stack([height, width]) + 1)).floor()
    return torch.stack([top, left, height, width]).long()


def resized_crops(images: torch.Tensor, box: torch.Tensor, flip: torch.Tensor, side: int) -> torch.Tensor:
    """y[n] = R[n] x[n] C[n]^T: window n resized to side x side (bilinear, antialiased), mirrored where flip[n].

    images (N, C, H, W); box int64 (4, N) as from `draw_boxes`; flip int64 (N,). Equal to cutting and resizing image
    by image; R and C hold the weights of the pixels.
    """
    top, left, height, width = box
    rows = _weights(top, height, images.shape[2], side)
    columns = _weights(left, width, images.shape[3], side)
    columns = torch.where(flip[:, None, None] == 1, columns.flip(1), columns)
    return rows[:, None] @ (images @ columns[:, None].mT)


def _weights(start: torch.Tensor, length: torch.Tensor, pixels: int, side: int) -> torch.Tensor:
    """(N, side, pixels): a triangle about each new pixel's place, as wide as it (one old pixel at least), sum 1."""
    device = start.device
    scale = (length / side)[:, None, None]
    centre = (torch.arange(side, device=device) + 0.5)[:, None] * scale
    place = torch.arange(pixels, device=device) + 0.5 - start[:, None, None]
    inside = (place > 0) & (place < length[:, None, None])
    weights = (1 - (place - centre).abs() / scale.clamp(min=1)).clamp(min=0) * inside
    return weights / weights.sum(2, keepdim=True)
