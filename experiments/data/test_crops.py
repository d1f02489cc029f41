"""The views of a test image, and the prediction that they make together."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from experiments.spec import Recipe


def views_of(images: torch.Tensor, recipe: Recipe) -> list[torch.Tensor]:
    """The views that the recipe tests: images (N, C, H, W) to tensors (N, C, side, side).

    "single": the centre of crop_size, or the whole image. "ten": the corners and the centre, and the same of the
    mirrored image (Krizhevsky et al. 2012, section 4.1).
    """
    side = recipe.crop_size
    if side is None:
        return [images]
    if recipe.test_crops == "single":
        return [centre(images, side)]
    down, right = (pixels - side for pixels in images.shape[2:])
    corners = ((0, 0), (0, right), (down, 0), (down, right))
    return [
        view
        for source in (images, images.flip(-1))
        for view in (*(_cut(source, *corner, side) for corner in corners), centre(source, side))
    ]


def centre(images: torch.Tensor, side: int) -> torch.Tensor:
    """The middle of the images, side x side; where it cannot be, half a pixel off to the even side, as torchvision."""
    return _cut(images, *(round((pixels - side) / 2) for pixels in images.shape[2:]), side)


def _cut(images: torch.Tensor, top: int, left: int, side: int) -> torch.Tensor:
    return images[:, :, top : top + side, left : left + side]


def predict(net: nn.Module, views: Sequence[torch.Tensor]) -> torch.Tensor:
    """Logits (N, classes) of one view; of several, the logarithm of their mean softmax."""
    outputs = [net(view.contiguous(memory_format=torch.channels_last)).float() for view in views]
    if len(outputs) == 1:
        return outputs[0]
    return torch.stack(outputs).log_softmax(2).logsumexp(0) - math.log(len(outputs))
