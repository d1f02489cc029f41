"""Which images a step trains on: a function of (seed, step) alone, for a whole run and for any part of its batches."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import torch

from experiments.seeding import generator
from experiments.spec import RunSpec


@lru_cache(maxsize=4)
def epoch_order(seed: int, epoch: int, images: int) -> torch.Tensor:
    """int64 (images,): the order of the images in an epoch, from the stream (seed, "order", epoch). Read only."""
    return torch.randperm(images, generator=generator(seed, "order", epoch))


def spans(step: int, batch_size: int, images: int) -> Iterator[tuple[int, slice]]:
    """Where the batch of a step lies: (epoch, places in its order). Batches cross epoch boundaries, so all are full."""
    start, stop = step * batch_size, (step + 1) * batch_size
    while start < stop:
        epoch, place = divmod(start, images)
        end = min(images, place + stop - start)
        yield epoch, slice(place, end)
        start += end - place


def batch_indices(spec: RunSpec, step: int) -> torch.Tensor:
    """int64 (B,), on the CPU: the images of the batch of a step, of all processes that share it; as in `Draws`."""
    images = spec.data.images
    parts = spans(step, spec.recipe.batch_size, images)
    return torch.cat([epoch_order(spec.seed, epoch, images)[place] for epoch, place in parts])
