"""Random resized crops, as Inception was trained with: boxes of random area and aspect ratio, resized to one size."""

from __future__ import annotations

import math

import torch

ASPECTS = (3 / 4, 4 / 3)  # Szegedy et al. 2014, section 6
TRIES = 10


def draw_boxes(count: int, side: int, area: tuple[float, float], generator: torch.Generator) -> torch.Tensor:
    """int64 (4, count): top, left, height and width, in pixels, of boxes in an image of side x side pixels.

    The box's share of the area is uniform over `area`, the logarithm of its aspect ratio uniform over ASPECTS, as in
    torchvision. The first of TRIES boxes that fits into the image is used, the whole image if none does.
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
    """y[n] = R[n] x[n] C[n]^T: box n resized to side x side (bilinear, antialiased), flipped where flip[n] is 1.

    images (N, C, H, W); box int64 (4, N) as from `draw_boxes`; flip int64 (N,). R and C hold the interpolation weights
    of rows and columns; the result equals cropping and resizing image by image.
    """
    top, left, height, width = box
    rows = _weights(top, height, images.shape[2], side)
    columns = _weights(left, width, images.shape[3], side)
    columns = torch.where(flip[:, None, None] == 1, columns.flip(1), columns)
    return rows[:, None] @ (images @ columns[:, None].mT)


def _weights(start: torch.Tensor, length: torch.Tensor, pixels: int, side: int) -> torch.Tensor:
    """(N, side, pixels): bilinear weights with antialiasing, a triangle around each new pixel's centre with sum 1.

    The triangle's half-width is a new pixel, and at least an old one, so that enlarging interpolates.
    """
    device = start.device
    scale = (length / side)[:, None, None]
    centre = (torch.arange(side, device=device) + 0.5)[:, None] * scale
    place = torch.arange(pixels, device=device) + 0.5 - start[:, None, None]
    inside = (place > 0) & (place < length[:, None, None])
    weights = (1 - (place - centre).abs() / scale.clamp(min=1)).clamp(min=0) * inside
    return weights / weights.sum(2, keepdim=True)
