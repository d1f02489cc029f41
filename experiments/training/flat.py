"""Many tensors copied into a few blocks: one transfer from the device per number format, few records in a file."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

ALIGNED = 16  # elements: every tensor starts where a vector register can load it
Kind = tuple[torch.device, torch.dtype]


class Flat:
    """A copy of a state in CPU memory, made again and again; its memory is kept from one copy to the next."""

    def __init__(self) -> None:
        self.blocks: dict[Kind, Block] = {}

    def copy(self, state: Any) -> tuple[Any, Callable[[], None]]:
        """`state` with a copy in place of every tensor, and what waits until the values are there.

        state: dicts and lists, nested; all else in it stays. Shapes, strides and values are kept. The tensors may
        change as soon as this returns, on a CUDA device by work on the same stream. The next call overwrites the copy.
        """
        kinds: dict[Kind, list[torch.Tensor]] = defaultdict(list)
        for tensor in _tensors(state):
            kinds[tensor.device, tensor.dtype].append(tensor)
        for kind, tensors in kinds.items():
            layout = [(tensor.shape, tensor.stride()) for tensor in tensors]
            if kind not in self.blocks or self.blocks[kind].layout != layout:
                self.blocks[kind] = Block(kind, tensors, layout)
            self.blocks[kind].fill(tensors)
        copies = {kind: iter(self.blocks[kind].here) for kind in kinds}
        return _replaced(state, copies), _arrival({device for device, _ in kinds})


class Block:
    """Memory for tensors of one device and number format, on that device and on the CPU, if that is another."""

    def __init__(self, kind: Kind, tensors: Sequence[torch.Tensor], layout: list[Any]) -> None:
        (device, dtype), self.layout = kind, layout
        size = sum(_room(tensor) for tensor in tensors)
        self.there = self.whole = torch.zeros(size, dtype=dtype, device=device)
        if device.type != "cpu":
            self.whole = torch.zeros(size, dtype=dtype, pin_memory=device.type == "cuda")
        self.here = _views(self.whole, tensors)
        self.gathered = self.here if self.there is self.whole else _views(self.there, tensors)

    @torch.no_grad()
    def fill(self, tensors: list[torch.Tensor]) -> None:
        torch._foreach_copy_(self.gathered, tensors)
        if self.there is not self.whole:
            self.whole.copy_(self.there, non_blocking=self.whole.is_pinned())


def _room(tensor: torch.Tensor) -> int:
    return -(-tensor.numel() // ALIGNED) * ALIGNED


def _views(block: torch.Tensor, tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Parts of `block` with the shapes of `tensors`, and their strides where they are channels last."""
    views, start = [], 0
    for tensor in tensors:
        if tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last):
            views.append(block.as_strided(tensor.shape, tensor.stride(), start))
        else:
            views.append(block[start : start + tensor.numel()].view(tensor.shape))
        start += _room(tensor)
    return views


def _arrival(devices: set[torch.device]) -> Callable[[], None]:
    """What waits for the transfers from these devices that were begun on the current streams."""
    events = [torch.cuda.current_stream(device).record_event() for device in devices if device.type == "cuda"]

    def wait() -> None:
        for event in events:
            event.synchronize()

    return wait


def _tensors(state: Any) -> Iterator[torch.Tensor]:
    if isinstance(state, torch.Tensor):
        yield state
    elif isinstance(state, dict | list):
        for value in state.values() if isinstance(state, dict) else state:
            yield from _tensors(value)


def _replaced(state: Any, copies: dict[Kind, Iterator[torch.Tensor]]) -> Any:
    """`state` with the next copy of its kind in place of each tensor, in the order of `_tensors`."""
    if isinstance(state, torch.Tensor):
        return next(copies[state.device, state.dtype])
    if isinstance(state, dict):
        replaced = copy.copy(state)  # with its class and what a net's state has as attributes
        replaced.update((key, _replaced(value, copies)) for key, value in state.items())
        return replaced
    return [_replaced(value, copies) for value in state] if isinstance(state, list) else state
