"""Images read ahead by the worker processes of a DataLoader, in the order in which they are wanted."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as MapStyle

from experiments.data.pictures import Pictures
from experiments.dataset_info import DataError
from experiments.own_images.picture import quiet
from experiments.stop_signals import blocked

PIECE = 64  # images per request to a worker
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux's prctl


def stacked(pictures: Pictures, indices: Sequence[int]) -> torch.Tensor:
    """uint8 (len(indices), C, H, W)."""
    images = np.empty((len(indices), *pictures.shape), dtype=np.uint8)
    for place, index in enumerate(indices):
        images[place] = pictures[index]
    return torch.from_numpy(images)


class Requests(MapStyle):
    """Answers a list of indices as a whole. A bad image is returned as its error: raised, it would be a traceback."""

    def __init__(self, source: Any, answer: Callable[[Any, Sequence[int]], Any]) -> None:
        self.source, self.answer = source, answer

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> Any:
        try:
            with quiet():
                return self.answer(self.source, indices)
        except DataError as error:
            return error


def pieces(batch: Sequence[int]) -> Iterator[Sequence[int]]:
    """A batch of indices in parts of at most PIECE."""
    return (batch[start : start + PIECE] for start in range(0, len(batch), PIECE))


def answers(
    source: Any,
    wanted: Iterable[Sequence[int]],
    workers: int,
    ahead: int = PIECE,
    answer: Callable[[Any, Sequence[int]], Any] = stacked,
    pinned: bool = False,
) -> Iterator[Any]:
    """`answer(source, indices)` for each of the lists of indices, in order, computed by workers.

    ahead: about how many images are read before they are asked for. pinned: in page-locked memory, for copies to a GPU.
    Draws from no random stream of the run. Raises DataError.
    """
    with blocked(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This DataLoader will create")  # more workers than cores: they wait for disks
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads: the child runs none of their code
        loader = DataLoader(
            Requests(source, answer),
            batch_sampler=wanted,  # ty: ignore[invalid-argument-type]
            collate_fn=_as_it_is,
            num_workers=workers,
            prefetch_factor=max(2, -(-ahead // (PIECE * workers))) if workers else None,
            multiprocessing_context=("fork" if sys.platform == "linux" else "spawn") if workers else None,
            worker_init_fn=_begin_worker,
            pin_memory=pinned,
            generator=torch.Generator(),  # the global one belongs to the run
        )
        iterator = iter(loader)
    try:
        for found in iterator:
            if isinstance(found, DataError):
                raise found
            yield found
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        reason = " ".join(str(error).split())
        raise DataError(
            f"a process that reads images ended ({reason}); it may lack memory or shared memory (/dev/shm): "
            "make that larger or read with fewer, --loader-workers 0 for none"
        ) from None


def _as_it_is(answer: Any) -> Any:
    return answer


def _begin_worker(number: int) -> None:
    """A worker ends with its run at once, even if that is killed; otherwise it would keep the run's files open."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
