"""Torchvision's own augmentations under the run's named streams: RandAugment, random erasing, mixup, CutMix."""

from __future__ import annotations

from collections.abc import Callable

import torch

from experiments.recipes import Recipe

Transform = Callable[[torch.Tensor], torch.Tensor]


def draws_on_cpu(recipe: Recipe) -> bool:
    """Whether a recipe uses one of these: torchvision draws its random numbers on the CPU, call by call."""
    return bool(recipe.rand_augment or recipe.random_erasing or recipe.mixup or recipe.cutmix)


def rand_augment(images: torch.Tensor, seeds: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """uint8 (N, C, H, W) -> the same; `rand_augment` random operations for each image (Cubuk et al. 2020).

    seeds: int64 (N,), where the random numbers of each image start.
    """
    from torchvision.transforms import v2  # takes half a second, which few recipes need

    transform = v2.RandAugment(recipe.rand_augment, recipe.rand_augment_magnitude)
    return _image_by_image(images, seeds, transform)


def erase(images: torch.Tensor, seeds: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """Normalised float (N, C, H, W) -> the same; a rectangle of some images becomes 0 (Zhong et al. 2020)."""
    from torchvision.transforms import v2

    return _image_by_image(images, seeds + 1, v2.RandomErasing(recipe.random_erasing))


def mix(
    images: torch.Tensor, labels: torch.Tensor, seeds: torch.Tensor, recipe: Recipe, classes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (N, C, H, W) and labels int64 (N,) -> each mixed with its predecessor in the batch; labels (N, classes).

    mixup: l x_i + (1 - l) x_(i-1) with l from Beta(alpha, alpha), labels likewise (Zhang et al. 2018). CutMix: a
    rectangle of x_(i-1) in x_i, labels by its share of the area (Yun et al. 2019). The first seed of the batch counts.
    """
    from torchvision.transforms import v2

    kinds = [
        kind(alpha=alpha, num_classes=classes)
        for kind, alpha in ((v2.MixUp, recipe.mixup), (v2.CutMix, recipe.cutmix))
        if alpha
    ]
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(int(seeds[0]) + 2)
        chosen = kinds[0] if len(kinds) == 1 else kinds[int(torch.randint(len(kinds), ()))]
        return chosen(images, labels)


def _image_by_image(images: torch.Tensor, seeds: torch.Tensor, transform: Transform) -> torch.Tensor:
    changed = []
    with torch.random.fork_rng(devices=()):
        for image, seed in zip(images, seeds.tolist(), strict=True):
            torch.manual_seed(seed)
            changed.append(transform(image))
    return torch.stack(changed)
