"""Training batches: which images a step sees, and how they are cropped, flipped and normalised, on their device."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from experiments.data.load import Split
from experiments.data.pca_noise import PcaNoise
from experiments.data.random_resized_crop import draw_boxes, resized_crops
from experiments.data.torchvision_augment import draws_on_cpu, erase, mix, rand_augment
from experiments.seeding import generator
from experiments.spec import RunSpec


class Samples(NamedTuple):
    """The random draws of one step, for a batch of B images."""

    image: torch.Tensor  # int64 (B,): index
    box: torch.Tensor  # int64 (4, B): top, left, height and width of the crop in the padded image, in pixels
    flip: torch.Tensor  # int64 (B,): 1 where the image is flipped left to right
    pca: torch.Tensor  # float32 (B, C): the draws of the PCA colour noise
    seed: torch.Tensor  # int64 (B,): where the random numbers of torchvision's augmentations start


class Draws:
    """The draws of a run, by step: step s uses samples [sB, (s + 1)B) of epoch 0, epoch 1, ..., shuffled every epoch.

    The order of the images comes from the stream (seed, "order", epoch), crops and flips from (seed, "augment", epoch),
    the boxes of random resized crops from (seed, "area", epoch), PCA noise from (seed, "colour", epoch), the seeds of
    torchvision's augmentations from (seed, "torchvision", epoch): equal for all variants of one seed, and the same
    after a resume.
    """

    def __init__(self, spec: RunSpec, device: torch.device) -> None:
        self.images, self.shape, self.seed = spec.data.images, spec.data.shape, spec.seed
        self.recipe, self.device = spec.recipe, device
        self.epochs: dict[int, Samples] = {}

    def __call__(self, step: int) -> Samples:
        start, stop = step * self.recipe.batch_size, (step + 1) * self.recipe.batch_size
        parts = []
        while start < stop:
            epoch, offset = divmod(start, self.images)
            parts.append([values[..., offset : offset + stop - start] for values in self._epoch(epoch)])
            start += parts[-1][0].shape[0]
        whole = parts[0] if len(parts) == 1 else [torch.cat(p, -1) for p in zip(*parts, strict=True)]
        image, box, flip, pca, seed = whole
        return Samples(image, box, flip, pca.T, seed)

    def _epoch(self, epoch: int) -> Samples:
        if epoch not in self.epochs:
            drawn = self._draw(epoch)
            kept = {k: v for k, v in self.epochs.items() if k >= epoch - 1}
            self.epochs = {**kept, epoch: Samples(*(values.to(self.device) for values in drawn))}
        return self.epochs[epoch]

    def _draw(self, epoch: int) -> Samples:
        """The draws of one epoch; those of the PCA noise as (C, N)."""
        recipe, N, (channels, side, _) = self.recipe, self.images, self.shape
        crop = recipe.crop_size or side
        stream = generator(self.seed, "augment", epoch)
        corners = torch.randint(side + 2 * recipe.crop_padding - crop + 1, (2, N), generator=stream)
        flip = torch.randint(2, (N,), generator=stream) * recipe.flip
        if recipe.crop_area is None:
            box = torch.cat([corners, torch.full((2, N), crop)])
        else:
            box = draw_boxes(N, side, recipe.crop_area, generator(self.seed, "area", epoch))
        pca = torch.zeros(channels, N)
        if recipe.pca_noise:
            pca = recipe.pca_noise * torch.randn(channels, N, generator=generator(self.seed, "colour", epoch))
        seeds = torch.zeros(N, dtype=torch.int64)
        if draws_on_cpu(recipe):
            seeds = torch.randint(2**62, (N,), generator=generator(self.seed, "torchvision", epoch))
        return Samples(torch.randperm(N, generator=generator(self.seed, "order", epoch)), box, flip, pca, seeds)


class Batches:
    """The training batches of a run: `batches(step)` returns augmented, normalised images and their labels."""

    def __init__(self, spec: RunSpec, data: Split) -> None:
        self.data, self.recipe = data, spec.recipe
        self.side = spec.input_shape[1]
        self.classes = spec.data.info.classes if spec.recipe.mixup or spec.recipe.cutmix else 0
        self.draws, self.pixels = Draws(spec, data.images.device), Pixels(data.images, spec.data.normalisation)
        self.noise = PcaNoise(data.images) if spec.recipe.pca_noise else None

    def __call__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """float32 (B, C, H, W), channels last, and int64 (B,), or float32 (B, classes) where labels are mixed."""
        return self.make(self.draws(step))

    def make(self, samples: Samples) -> tuple[torch.Tensor, torch.Tensor]:
        """The batch for these draws, computed on the device alone."""
        index, box, flip, pca, seeds = samples
        recipe, images, labels = self.recipe, self.data.images[index], self.data.labels[index]
        if recipe.rand_augment:
            images = rand_augment(images, seeds, recipe)
        images = self.pixels(images, None if self.noise is None else self.noise(pca))
        if recipe.crop_area is None:
            images = crop_and_flip(images, box[0], box[1], flip, recipe.crop_padding, self.side)
        else:
            images = resized_crops(images, box, flip, self.side)
        if recipe.random_erasing:
            images = erase(images, seeds, recipe)
        if recipe.mixup or recipe.cutmix:
            images, labels = mix(images, labels, seeds, recipe, self.classes)
        return images.contiguous(memory_format=torch.channels_last), labels


def crop_and_flip(
    images: torch.Tensor, top: torch.Tensor, left: torch.Tensor, flip: torch.Tensor, padding: int, side: int
) -> torch.Tensor:
    """y[n] = x[n] padded with `padding` zeros, cropped to side x side at (top[n], left[n]), flipped where flip[n] is 1.

    images (N, C, H, W); top, left, flip int64 (N,). Padding 4 for CIFAR: He et al. 2015, section 4.2.
    """
    N, C = images.shape[:2]
    padded = F.pad(images, (padding,) * 4)
    pixel = torch.arange(side, device=images.device)
    columns = torch.where(flip[:, None] == 1, side - 1 - pixel, pixel) + left[:, None]
    rows = pixel + top[:, None]
    n = torch.arange(N, device=images.device)
    channels = torch.arange(C, device=images.device)
    return padded[
        n[:, None, None, None], channels[None, :, None, None], rows[:, None, :, None], columns[:, None, None, :]
    ]


class Pixels:
    """Normalisation, uint8 (N, C, H, W) to float32: x / 255 - mean image, or (x / 255 - mean) / std per channel.

    `noise` is added to x / 255. Mean and standard deviation are computed from the training images given.
    """

    def __init__(self, train_images: torch.Tensor, normalisation: str) -> None:
        mean, std = torch.zeros(train_images.shape[1:]), torch.ones(1)
        if normalisation == "pixel_mean":
            mean = _sum(train_images, (0,)) / (255 * len(train_images))
        else:
            values = train_images[:, 0].numel()
            mean = (_sum(train_images, (0, 2, 3)) / (255 * values))[:, None, None]
            square = _sum(train_images, (0, 2, 3), power=2)[:, None, None] / (255**2 * values)
            std = (square - mean**2).sqrt()
        self.mean, self.std = (t.to(train_images.device, torch.float32) for t in (mean, std))

    def __call__(self, images: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        scaled = images.float() / 255
        return ((scaled if noise is None else scaled + noise) - self.mean) / self.std


def _sum(images: torch.Tensor, dims: tuple[int, ...], power: int = 1) -> torch.Tensor:
    """Exact sum of the pixel values over `dims` (the images among them), float64; in slices, to save memory."""
    slices = images.cpu().split(1000)
    return sum(((part.long() ** power).sum(dims) for part in slices), start=torch.zeros((), dtype=torch.int64)).double()
