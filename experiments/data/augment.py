"""Training batches: which images a step sees, and how they are cropped, flipped and normalised, on their device."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from experiments.data.moments import Moments, MomentsOf
from experiments.data.order import batch_indices, epoch_order, spans
from experiments.data.pca_noise import PcaNoise
from experiments.data.random_resized_crop import draw_boxes, resized_crops
from experiments.data.split import Images, Split
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

    def of(self, part: slice) -> Samples:
        """The draws of some places in the batch."""
        return Samples(self.image[part], self.box[:, part], self.flip[part], self.pca[part], self.seed[part])


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
        parts = [
            [values[..., place] for values in self._epoch(epoch)]
            for epoch, place in spans(step, self.recipe.batch_size, self.images)
        ]
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
        return Samples(epoch_order(self.seed, epoch, N), box, flip, pca, seeds)


class Batches:
    """The training batches of a run: `batches(step)` returns augmented, normalised images and their labels.

    part: of the batch's places, those that this process trains on; the draws are those of the whole batch.
    """

    def __init__(self, spec: RunSpec, data: Images, part: slice = slice(None)) -> None:
        self.source, self.recipe, self.part = data, spec.recipe, part
        self.data: Split
        self.side = spec.input_shape[1]
        self.classes = spec.data.info.classes if spec.recipe.mixup or spec.recipe.cutmix else 0
        device = data.labels.device
        self.draw, self.pixels = Draws(spec, device), Pixels(data.moments, spec.data.normalisation, device)
        self.noise = PcaNoise(data.moments, device) if spec.recipe.pca_noise else None
        self.feed = data.feed(lambda step: batch_indices(spec, step)[part], spec.recipe.iterations)

    def __call__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """float32 (B, C, H, W), channels last, and int64 (B,), or float32 (B, classes) where labels are mixed."""
        return self.make(self.draws(step))

    def draws(self, step: int) -> Samples:
        """The draws of a step; its images are at hand in `data`, at the places `image`."""
        samples = self.draw(step).of(self.part)
        self.data, image = self.feed(step, samples.image)
        return samples._replace(image=image)

    def first(self, count: int) -> Split:
        """The first training images, as they are stored."""
        return self.source.first(count)

    def close(self) -> None:
        """Read no images ahead any more."""
        self.feed.close()

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

    `noise` is added to x / 255. train: the training images, or their moments, of which mean and standard deviation are
    computed. device: where images will be; None: where the training images are.
    """

    def __init__(self, train: torch.Tensor | Moments, normalisation: str, device: torch.device | None = None) -> None:
        if isinstance(train, torch.Tensor):
            train, device = MomentsOf(train), device or train.device
        total, std = train.total, torch.ones(1)
        if normalisation == "pixel_mean":
            mean = total.double() / (255 * train.images)
        else:
            values = train.images * total[0].numel()
            mean = (total.sum((1, 2)).double() / (255 * values))[:, None, None]
            square = train.products.diagonal().double()[:, None, None] / (255**2 * values)
            std = (square - mean**2).sqrt()
        self.mean, self.std = (t.to(device, torch.float32) for t in (mean, std))

    def __call__(self, images: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        scaled = images.float() / 255
        return ((scaled if noise is None else scaled + noise) - self.mean) / self.std
