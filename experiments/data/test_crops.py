"""Single-crop and ten-crop testing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from experiments.spec import Recipe


def crops_of(images: torch.Tensor, recipe: Recipe) -> list[torch.Tensor]:
    """The crops of test images (N, C, H, W) that the recipe asks for, each (N, C, side, side).

    "single": the centre crop of crop_size, or the whole image if crop_size is None. "ten": the four corners and the
    centre, of the image and of its mirror image (Krizhevsky et al. 2012, section 4.1).
    """
    side = recipe.crop_size
    if side is None:
        return [images]
    if recipe.test_crops == "single":
        return [centre(images, side)]
    down, right = (pixels - side for pixels in images.shape[2:])
    corners = ((0, 0), (0, right), (down, 0), (down, right))
    return [
        crop
        for source in (images, images.flip(-1))
        for crop in (*(_cut(source, *corner, side) for corner in corners), centre(source, side))
    ]


def centre(images: torch.Tensor, side: int) -> torch.Tensor:
    """The centre crop, side x side; an odd margin is halved and rounded to even, as in torchvision."""
    return _cut(images, *(round((pixels - side) / 2) for pixels in images.shape[2:]), side)


def _cut(images: torch.Tensor, top: int, left: int, side: int) -> torch.Tensor:
    return images[:, :, top : top + side, left : left + side]


def predict(net: nn.Module, crops: Sequence[torch.Tensor]) -> torch.Tensor:
    """log(mean over crops of softmax(net(crop))), (N, classes); for a single crop its logits."""
    outputs = [net(crop.contiguous(memory_format=torch.channels_last)).float() for crop in crops]
    if len(outputs) == 1:
        return outputs[0]
    return torch.stack(outputs).log_softmax(2).logsumexp(0) - math.log(len(outputs))
