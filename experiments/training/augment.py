"""Which images a step sees and how they are cropped and flipped; batched, on the device of the images."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from experiments.spec import RunSpec
from experiments.training.seeding import generator


class Draws:
    """The batches of a run: step s takes samples [sB, (s + 1)B) of epoch 0, epoch 1, ..., each freshly shuffled.

    A sample is a column (image, top, left, flip). Shuffling draws from the stream (seed, "order", epoch), crops and
    flips from (seed, "augment", epoch): equal for all variants of one seed, and the same after a resume.
    """

    def __init__(self, spec: RunSpec, device: torch.device) -> None:
        self.images, self.batch = spec.data.images, spec.recipe.batch_size
        self.seed, self.padding, self.flip = spec.seed, spec.recipe.crop_padding, spec.recipe.flip
        self.device = device
        self.epochs: dict[int, torch.Tensor] = {}

    def __call__(self, step: int) -> torch.Tensor:
        """int64 (4, B): rows image, top, left (0 to 2 * padding, in pixels) and flip (0 or 1)."""
        start, stop = step * self.batch, (step + 1) * self.batch
        parts = []
        while start < stop:
            epoch, offset = divmod(start, self.images)
            parts.append(self._epoch(epoch)[:, offset : offset + stop - start])
            start += parts[-1].shape[1]
        return parts[0] if len(parts) == 1 else torch.cat(parts, 1)

    def _epoch(self, epoch: int) -> torch.Tensor:
        if epoch not in self.epochs:
            order = torch.randperm(self.images, generator=generator(self.seed, "order", epoch))
            stream = generator(self.seed, "augment", epoch)
            corners = torch.randint(2 * self.padding + 1, (2, self.images), generator=stream)
            flips = torch.randint(2, (1, self.images), generator=stream) * self.flip
            table = torch.cat([order[None], corners, flips]).to(self.device)
            self.epochs = {**{k: v for k, v in self.epochs.items() if k >= epoch - 1}, epoch: table}
        return self.epochs[epoch]


def crop_and_flip(
    images: torch.Tensor, top: torch.Tensor, left: torch.Tensor, flip: torch.Tensor, padding: int
) -> torch.Tensor:
    """Image n, zero-padded by `padding` pixels, cut at (top[n], left[n]) to its own size and mirrored where flip[n].

    images (N, C, H, W); top, left, flip int64 (N,). He et al. 2015, section 4.2: padding 4 for CIFAR.
    """
    N, C, H, W = images.shape
    padded = F.pad(images, (padding,) * 4)
    columns = torch.arange(W, device=images.device)
    columns = torch.where(flip[:, None] == 1, W - 1 - columns, columns) + left[:, None]
    rows = torch.arange(H, device=images.device) + top[:, None]
    n = torch.arange(N, device=images.device)
    channels = torch.arange(C, device=images.device)
    return padded[
        n[:, None, None, None], channels[None, :, None, None], rows[:, None, :, None], columns[:, None, None, :]
    ]


class Pixels:
    """uint8 images to normalised float32: x / 255 - mean image, or (x / 255 - mean) / std by channel.

    Mean and standard deviation are those of the training images given.
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

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return (images.float() / 255 - self.mean) / self.std


def _sum(images: torch.Tensor, dims: tuple[int, ...], power: int = 1) -> torch.Tensor:
    """Exact sum of pixel values, in slices so that memory stays small; float64."""
    slices = images.cpu().split(1000)
    return sum((part.long() ** power).sum(dims) for part in slices).double()
