"""The processes that train one run together, one per device; without `torchrun` there is one, and nothing is sent.

Tensors on a GPU travel by NCCL, all else by gloo.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from experiments import torchrun
from experiments.spec import SpecError

PATIENCE = timedelta(days=30)  # the others wait for process 0 while it has no run for them
UNUSED = "Expected to have finished reduction"  # DistributedDataParallel's words
LOST = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "NCCL", "ProcessGroup")


class LostError(Exception):
    """Another process of the run has ended: one line that says what to do."""

    def __init__(self) -> None:
        super().__init__(
            "another of the processes that train together has ended; see its own message, and run the same command "
            "again to resume"
        )


@dataclass
class _State:
    talk: Any = None  # gloo's group, for what is not a tensor of the training
    busy: bool = False  # from the start of a run until all have left it together


_state = _State()


def size() -> int:
    return dist.get_world_size() if _state.talk is not None else 1


def rank() -> int:
    return dist.get_rank() if _state.talk is not None else 0


def is_first() -> bool:
    """Whether this process logs and writes."""
    return rank() == 0


def is_broken() -> bool:
    """Asked between runs: whether an error has left the processes at different places. They can train nothing more."""
    return _state.busy


@contextmanager
def joined() -> Generator[None]:
    """Within it this process works with those that `torchrun` started beside it; at its end they are sent home."""
    if torchrun.count() == 1:
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(torchrun.local_rank() % torch.cuda.device_count())
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    _state.talk = dist.new_group(backend="gloo", timeout=PATIENCE)
    try:
        yield
    finally:
        if is_first() and not is_broken():
            send(None)
        _state.talk = None
        if not is_broken():  # it would wait for the others
            dist.destroy_process_group()


def begin(job: Any) -> None:
    """Hand a run to the other processes, which `receive` it; they and this one then train it `together`."""
    _state.busy = size() > 1
    send(job)


@contextmanager
def together(stopped: type[Exception]) -> Generator[None]:
    """What all processes do to train a run. All leave it at its end, or by the error `stopped`.

    Raises LostError if another process has ended meanwhile, and SpecError for a net that cannot be shared.
    """
    try:
        with _explained():
            yield
    except stopped:
        _state.busy = False
        raise
    _state.busy = False


@contextmanager
def _explained() -> Generator[None]:
    try:
        yield
    except RuntimeError as error:
        if UNUSED in str(error):
            raise SpecError(
                "the net has parameters that get no gradient; several processes cannot train it together, one can"
            ) from None
        if size() > 1 and (isinstance(error, dist.DistError) or any(words in str(error) for words in LOST)):
            raise LostError from error
        raise


def send(task: Any) -> None:
    """From process 0, to all others."""
    if size() > 1:
        dist.broadcast_object_list([task], src=0, group=_state.talk)


def receive() -> Any:
    """What process 0 sends next. Raises LostError if it has ended."""
    found: list[Any] = [None]
    with _explained():
        dist.broadcast_object_list(found, src=0, group=_state.talk)
    return found[0]


def from_first(make: Callable[[], Any]) -> Any:
    """What `make` returns in process 0, in all of them."""
    if not is_first():
        return receive()
    send(made := make())
    return made


def any_of(asked: Callable[[], bool]) -> Callable[[], bool]:
    """A question whose answer is yes in all processes as soon as it is in one; all must ask it equally often."""
    if size() == 1:
        return asked

    def ask() -> bool:
        answer = torch.tensor(int(asked()))
        dist.all_reduce(answer, dist.ReduceOp.MAX, group=_state.talk)
        return bool(answer)

    return ask


def summed(values: torch.Tensor) -> torch.Tensor:
    """The sum over the processes, in place."""
    if size() > 1:
        dist.all_reduce(values)
    return values


def align(tensors: Iterable[torch.Tensor]) -> None:
    """Give all processes the tensors of process 0, in place."""
    if size() > 1:
        for tensor in tensors:
            dist.broadcast(tensor, src=0)


def collected(own: Mapping[int, tuple[torch.Tensor, ...]], number: int) -> list[tuple[torch.Tensor, ...]]:
    """Entries 0 to number - 1, each of which one process has; those of several processes are on the CPU."""
    if size() == 1:
        return [own[k] for k in range(number)]
    every: list[Any] = [None] * size()
    on_cpu = {k: tuple(tensor.cpu() for tensor in tensors) for k, tensors in own.items()}
    dist.all_gather_object(every, on_cpu, group=_state.talk)
    found = {k: tensors for some in every for k, tensors in some.items()}
    return [found[k] for k in range(number)]
