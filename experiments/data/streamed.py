"""Images that are read while they are needed: as `Split`, but never all in memory; the pixels are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from experiments.data.moments import Moments
from experiments.data.pictures import Pictures
from experiments.data.read_ahead import answers, pieces, stacked
from experiments.data.split import Feed, Order, Split
from experiments.own_images.picture import quiet

BATCHES_AHEAD = 2


@dataclass(frozen=True, eq=False)
class Streamed:
    """labels: int64 (N,), on the device that the images are for. measured: computes the moments, or finds them."""

    pictures: Pictures
    labels: torch.Tensor
    measured: Callable[[], Moments]
    workers: int = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.pictures.shape

    @cached_property
    def moments(self) -> Moments:
        return self.measured()

    def to(self, device: torch.device) -> Streamed:
        return replace(self, labels=self.labels.to(device))

    @cached_property
    def _first(self) -> dict[int, Split]:
        return {}

    def first(self, count: int) -> Split:
        if count not in self._first:
            count = min(count, len(self.labels))
            with quiet():
                images = stacked(self.pictures, range(count)).to(self.labels.device)
            self._first[count] = Split(images, self.labels[:count])
        return self._first[count]

    def batches(self, size: int, first: int = 0, every: int = 1) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        chosen = torch.arange(len(self.labels)).split(size)[first::every]
        read = self.read(iter(batch.tolist() for batch in chosen), size)
        for indices, labels in zip(chosen, self.labels.split(size)[first::every], strict=True):
            yield filled(torch.empty(len(indices), *self.shape, dtype=torch.uint8, device=labels.device), read), labels

    def feed(self, order: Order, steps: int) -> Feed:
        return (OnCuda if self.labels.device.type == "cuda" else OnDevice)(self, order, steps)

    def read(self, batches: Iterator[list[int]], size: int) -> Iterator[torch.Tensor]:
        """The images of batches of `size`, piece by piece, read ahead."""
        wanted = (piece for batch in batches for piece in pieces(batch))
        is_cuda = self.labels.device.type == "cuda"
        return answers(self.pictures, wanted, self.workers, BATCHES_AHEAD * size, pinned=is_cuda)


def filled(images: torch.Tensor, read: Iterator[torch.Tensor]) -> torch.Tensor:
    """`images`, filled with the next pieces read; copies to a GPU are only begun."""
    start = 0
    while start < len(images):
        piece = next(read)
        images[start : start + len(piece)].copy_(piece, non_blocking=True)
        start += len(piece)
    return images


class OnDevice:
    """The batch of one step at a time, read ahead while the step before is computed."""

    def __init__(self, source: Streamed, order: Order, steps: int) -> None:
        self.source, self.order, self.steps = source, order, steps
        self.read: Iterator[torch.Tensor] = iter(())
        self.next_step = -1

    def __call__(self, step: int, index: torch.Tensor) -> tuple[Split, torch.Tensor]:
        self._turn_to(step, len(index))
        device = self.source.labels.device
        images = filled(torch.empty(len(index), *self.source.shape, dtype=torch.uint8, device=device), self.read)
        self.next_step = step + 1
        return Split(images, self.source.labels[index]), torch.arange(len(index), device=device)

    def _turn_to(self, step: int, size: int) -> None:
        """Read from this step on, unless it is the one that follows."""
        if step != self.next_step:
            self.close()
            self.read = self.source.read((self.order(k).tolist() for k in range(step, self.steps)), size)
            self.next_step = step

    def close(self) -> None:
        self.read, self.next_step = iter(()), -1


class OnCuda(OnDevice):
    """Two batches in fixed memory on the GPU: while one is trained on, the next one is copied to the other's place.

    A CUDA graph reads from fixed addresses; which of the two places is a value of `index`.
    """

    def __init__(self, source: Streamed, order: Order, steps: int) -> None:
        super().__init__(source, order, steps)
        self.stream = torch.cuda.Stream()
        self.places: Split | None = None
        self.copied: dict[int, torch.cuda.Event] = {}  # by step, until it is taken

    def __call__(self, step: int, index: torch.Tensor) -> tuple[Split, torch.Tensor]:
        size, device = len(index), self.source.labels.device
        if self.places is None:
            images = torch.empty(2 * size, *self.source.shape, dtype=torch.uint8, device=device)
            self.places = Split(images, torch.empty(2 * size, dtype=torch.int64, device=device))
        if step not in self.copied:
            self._turn_to(step, size)
            self._copy(step, size)
        torch.cuda.current_stream().wait_event(self.copied.pop(step))
        place = self._place(step, size)
        self.places.labels[place].copy_(self.source.labels[index])
        if step + 1 < self.steps:
            self._copy(step + 1, size)
        return self.places, torch.arange(place.start, place.stop, device=device)

    def close(self) -> None:
        super().close()
        self.copied.clear()

    def _place(self, step: int, size: int) -> slice:
        return slice(step % 2 * size, (step % 2 + 1) * size)

    def _copy(self, step: int, size: int) -> None:
        """Begin to copy the batch of a step, once the steps that have been launched no longer read from its place."""
        assert self.places is not None
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            filled(self.places.images[self._place(step, size)], self.read)
            self.copied[step] = self.stream.record_event()
        self.next_step = step + 1
