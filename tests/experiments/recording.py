"""A stand-in for a CUDA graph that works on a CPU: the operators of an action, repeated on the same memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from experiments.training.process_state import ProcessState

# What a graph cannot hold: values that Python reads, shapes that depend on values, constants copied from Python.
REFUSED = {"_local_scalar_dense", "nonzero", "masked_select", "lift_fresh", "_unique2", "equal"}


class Log(TorchDispatchMode):
    """Carries operators out and keeps them with their operands and results."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple, dict, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        name = func._schema.name.removeprefix("aten::")
        assert name not in REFUSED, f"a CUDA graph cannot hold {name}"
        result = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, result))
        return result


class Operators:
    """A `step.Recorder`. As a graph does, a replay calls no Python of the action: what Python computed stays as it was.

    Recording here carries the action out, so the first replay, which follows at once, does nothing. A replay draws from
    the random streams of the run that recorded, whichever run's turn it was: a graph keeps its generator's state.
    """

    def __init__(self) -> None:
        self.recordings = self.replays = 0

    def run(self, action: Callable[[], None]) -> None:
        action()

    def record(self, action: Callable[[], None]) -> Callable[[], None]:
        self.recordings += 1
        with Log() as log:
            action()
        fresh, own = True, ProcessState.current

        def replay() -> None:
            nonlocal fresh
            self.replays += 1
            if not fresh:
                if own is not None:
                    own.take()
                with torch._C._AutoDispatchBelowAutograd():  # as the operators were when they were kept
                    for call in log.calls:
                        repeat(*call)
            fresh = False

        return replay


def repeat(func: Any, args: tuple, kwargs: dict, result: Any) -> None:
    """Carry `func` out again and put what it returns where its first result lies, which later operators read."""
    operands = {memory(t) for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)}
    again = func(*args, **kwargs)
    for place, value in zip(tree_leaves(result), tree_leaves(again), strict=True):
        if isinstance(place, torch.Tensor) and memory(place) not in operands:
            place.copy_(value)


def memory(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
