"""Fake CUDA tensors: shapes, strides, formats and operators as on a GPU, and no values; no GPU is needed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.cuda.backward import Engine
from experiments.training import ema, signals


class NotRecordableError(RuntimeError):
    """A CUDA graph cannot hold what was done in a recording."""


@contextmanager
def fake_cuda() -> Generator[FakeTensorMode]:
    """In this block CUDA tensors are fake, backward passes run without a device, and a value that is read is zero."""
    engine = Engine()
    replaced: list[tuple[Any, str, Any]] = [
        (FakeTensorMode, "avoid_device_init", True),  # else it believes the next line
        (torch.cuda, "is_available", lambda: True),  # autocast asks
        (torch.cuda, "is_bf16_supported", lambda *given, **more: True),
        (signals, "global_streams", lambda device: {}),
        (signals, "restore_streams", lambda streams: None),
        *((module, "copy", SimpleNamespace(deepcopy=deepcopy)) for module in (signals, ema)),
        (torch.cuda, "memory_stats", dict),
        (torch.Tensor, "backward", lambda loss: engine.backward(loss)),
        (torch.Tensor, "register_hook", lambda tensor, hook: engine.register_hook(tensor, hook)),
        (torch.autograd, "grad", engine.grad),
        (FakeTensor, "item", lambda tensor: _read(tensor, 0)),
        (FakeTensor, "tolist", lambda tensor: _read(tensor, _zeros(tensor.shape))),
    ]
    with FakeTensorMode(allow_non_fake_inputs=True) as mode, ExitStack() as stack:
        for owner, name, value in replaced:
            stack.enter_context(patch.object(owner, name, value))
        yield mode


class Recording(TorchDispatchMode):
    """Refuses what a CUDA graph cannot hold: values that Python reads, shapes that depend on values, CPU memory."""

    under_way = False
    SHAPES = ("nonzero", "masked_select", "_unique2", "unique_dim", "equal", "_local_scalar_dense")

    def __enter__(self) -> Recording:
        Recording.under_way = True
        return super().__enter__()

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        Recording.under_way = False
        super().__exit__(exc_type, exc_val, exc_tb)

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
        name = func._schema.name.removeprefix("aten::")
        if name in self.SHAPES:
            raise NotRecordableError(f"{name} reads values from the device")
        devices = {leaf.device.type for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)}
        result = func(*args, **(kwargs or {}))
        devices |= {leaf.device.type for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)}
        if name in ("copy_", "_to_copy", "_copy_from") and devices == {"cpu", "cuda"}:
            raise NotRecordableError(f"{name} copies between the CPU and the device")
        return result


class Recorder:
    """A `step.Recorder` that records by carrying out once, and replays by doing nothing."""

    def run(self, action: Callable[[], None]) -> None:
        action()

    def record(self, action: Callable[[], None]) -> Callable[[], None]:
        with Recording():
            action()
        return lambda: None


def deepcopy(net: nn.Module) -> nn.Module:
    """In place of `copy.deepcopy`, which asks a fake tensor for its memory."""
    tensors = {id(t): t for t in (*net.parameters(), *net.buffers())}
    copies = {
        key: nn.Parameter(t.detach().clone(), t.requires_grad) if _is_parameter(t) else t.clone()
        for key, t in tensors.items()
    }
    return copy.deepcopy(net, dict(copies))


def on_device(net: nn.Module) -> nn.Module:
    """`net.to("cuda").to(memory_format=torch.channels_last)`, which PyTorch cannot do in place to fake tensors."""
    moved: dict[int, torch.Tensor] = {}

    def move(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) not in moved:
            if isinstance(tensor, FakeTensor):
                tensor.constant = None  # the value of `torch.tensor(0)`, which would be copied to a real device
            there = tensor.detach().to("cuda:0")
            there = there.contiguous(memory_format=torch.channels_last) if there.ndim == 4 else there
            moved[id(tensor)] = nn.Parameter(there, tensor.requires_grad) if _is_parameter(tensor) else there
        return moved[id(tensor)]

    for module in net.modules():
        for kept in (vars(module)["_parameters"], vars(module)["_buffers"]):
            kept.update({name: move(tensor) for name, tensor in kept.items() if tensor is not None})
    return net


def _is_parameter(tensor: torch.Tensor) -> bool:
    return isinstance(tensor, nn.Parameter)


def _zeros(shape: Sequence[int]) -> Any:
    return [_zeros(shape[1:]) for _ in range(shape[0])] if shape else 0.0


def _read(tensor: torch.Tensor, value: Any) -> Any:
    if Recording.under_way:
        raise NotRecordableError("a value is read from the device")
    return value
