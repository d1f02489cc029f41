"""Compiled nets lowered for sm_90 without a GPU: which kernels a step has, and that Triton and ptxas take them."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
import torch._functorch.config as functorch_config
import torch._inductor.config as inductor_config
from torch import nn
from torch._dynamo.device_interface import CudaInterface
from torch._inductor.codecache import PyCodeCache
from torch._inductor.compile_fx import compile_fx, compile_fx_inner
from torch._inductor.fx_passes.joint_graph import UniformValueConstantFolder
from torch._inductor.graph import GraphLowering
from torch._inductor.runtime import triton_compat, triton_helpers
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.cuda.fake import fake_cuda, on_device

# An H100 SXM, as torch.cuda.get_device_properties describes it.
H100 = SimpleNamespace(
    name="NVIDIA H100 80GB HBM3", major=9, minor=0, multi_processor_count=132, total_memory=80 * 2**30,
    regs_per_multiprocessor=65_536, max_threads_per_multi_processor=2048, max_threads_per_block=1024, warp_size=32,
    shared_memory_per_block=49_152, shared_memory_per_block_optin=232_448, shared_memory_per_multiprocessor=233_472,
    L2_cache_size=50 * 2**20, is_integrated=0,
)  # fmt: skip
# autoheuristic_use: its table for padding products is for the A100; asked, it would need a device.
INDUCTOR = {
    "fx_graph_cache": False,
    "deterministic": True,
    "compile_threads": 1,
    "use_static_cuda_launcher": False,
    "autoheuristic_use.pad_mm": False,
}
KERNEL = re.compile(r"^\s+(triton_\w+)\.run\(", re.MULTILINE)
SOURCE = re.compile(r"async_compile\.triton\('(\w+)', '''(.*?)'''", re.DOTALL)
LIBRARY = re.compile(r"^\s+(?:\w+ = )?(?:extern_kernels|torch\.ops)\.([\w.]+)\(", re.MULTILINE)


@dataclass(frozen=True)
class Lowered:
    """The code of a forward and a backward pass as inductor writes it."""

    code: tuple[str, ...]

    @property
    def kernels(self) -> list[str]:
        """Names of Triton kernels in the order of their launches."""
        return [name for part in self.code for name in KERNEL.findall(part)]

    @property
    def library_calls(self) -> list[str]:
        """Operators that a library carries out, each with one kernel or more: convolutions, products."""
        return [name for part in self.code for name in LIBRARY.findall(part)]


class _CapturedError(Exception):
    """The code is written; a module of it would need a device."""


class _OnCpu(TorchDispatchMode):
    """Constants of one element, which inductor folds by computing them, are computed on the CPU."""

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
        return func(*args, **{**(kwargs or {}), **({"device": "cpu"} if "device" in (kwargs or {}) else {})})


class Outputs(nn.Module):
    """A net that returns a tuple, as inductor wants it."""

    def __init__(self, net: nn.Module, bf16: bool) -> None:
        super().__init__()
        self.net, self.bf16 = net, bf16

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        with torch.autocast("cuda", torch.bfloat16, enabled=self.bf16):
            outputs = self.net(images)
        return tuple(outputs) if isinstance(outputs, tuple) else (outputs,)


def lower(net: nn.Module, shape: tuple[int, ...], bf16: bool = False) -> Lowered:
    """Forward and backward pass of a net in training, for images (N, C, H, W), without a loss."""
    code: list[str] = []

    def capture(graph: GraphLowering) -> Any:
        code.append(str(graph.codegen()[0].value))
        raise _CapturedError

    def inner(module: Any, inputs: Any, **options: Any) -> Any:
        before = len(code)
        try:
            compile_fx_inner(module, inputs, **options)
        except Exception:
            if len(code) == before:
                raise
        return module.forward

    with fake_cuda(), h100(), patch.object(GraphLowering, "_compile_to_module", capture):
        images = torch.zeros(shape, device="cuda").contiguous(memory_format=torch.channels_last)
        model: Any = Outputs(on_device(net).train(), bf16)
        compile_fx(model, [images], inner_compile=inner)
    return Lowered(tuple(code))


def assemble(lowered: Lowered) -> dict[str, str]:
    """The PTX of every Triton kernel, compiled for sm_90 and taken by ptxas. Raises what Triton or ptxas raises."""
    sources = {name: source for part in lowered.code for name, source in SOURCE.findall(part)}
    found = {}
    with h100(), patch.object(triton_helpers, "set_driver_to_gpu", lambda: None):
        for name, source in sources.items():
            tuner = getattr(PyCodeCache.load(source), name)
            kernel = tuner._precompile_config(tuner.configs[0]).kernel
            if not kernel.asm["cubin"]:
                raise RuntimeError(f"ptxas made nothing of {name}")
            found[name] = kernel.asm["ptx"]
    return found


@contextmanager
def h100() -> Generator[None]:
    """In this block PyTorch and Triton see one H100, for compiling alone."""
    replaced: dict[str, Any] = {
        "get_device_properties": lambda device=None: H100,
        "get_device_capability": lambda device=None: (H100.major, H100.minor),
        "current_device": lambda: 0,
        "device_count": lambda: 1,
        "synchronize": lambda device=None: None,
        "_exchange_device": lambda index: 0,
        "_maybe_exchange_device": lambda index: 0,
        "get_rng_state": lambda device=None: torch.empty(16, dtype=torch.uint8),
        "set_rng_state": lambda state, device=None: None,
    }
    compat: Any = triton_compat  # None and stand-ins where there is no Triton
    target = compat.GPUTarget("cuda", 10 * H100.major + H100.minor, H100.warp_size)
    driver = SimpleNamespace(get_current_target=lambda: target, get_current_device=lambda: 0)
    fold = UniformValueConstantFolder.run

    def folded(folder: UniformValueConstantFolder) -> Any:
        with _OnCpu():
            return fold(folder)

    with ExitStack() as stack:
        for name, value in replaced.items():
            stack.enter_context(patch.object(torch.cuda, name, value))
            if hasattr(CudaInterface, name):
                stack.enter_context(patch.object(CudaInterface, name, staticmethod(value)))
        stack.enter_context(patch.object(UniformValueConstantFolder, "run", folded))
        stack.enter_context(patch.object(compat.triton.runtime.driver, "_active", driver))
        worker = CudaInterface.Worker
        stack.enter_context(patch.object(worker, "get_device_properties", staticmethod(lambda device=None: H100)))
        stack.enter_context(inductor_config.patch(INDUCTOR))
        stack.enter_context(functorch_config.patch(force_non_lazy_backward_lowering=True, enable_autograd_cache=False))
        yield
