"""Memory: freed memory kept for the next step, and how a lack of it is recognised."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import torch

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
LARGEST_MMAP_THRESHOLD = 32 * 2**20
# How PyTorch words it when the system or a device has no memory left; the CPU's allocator has no class of its own.
REFUSALS = ("can't allocate memory", "not enough memory", "out of memory")


def keep_memory() -> None:
    """Have glibc keep what tensors free, for the tensors of the next step; without glibc nothing happens.

    By default glibc returns large blocks to the system, which hands them out again page by page, each zeroed: 3,600
    to 5,100 page faults per step of ResNet-20 in fp32, 0 to 128 with this; 5 to 7 % of its time (two AVX-512 cores).
    """
    if mallopt := _of_libc("mallopt"):
        mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def release_memory() -> None:
    """Return to system and GPU what is kept for further tensors: other processes are about to need it."""
    if trim := _of_libc("malloc_trim"):
        trim(0)
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def refusals(device: str) -> int:
    """How often PyTorch has found no room on a CUDA device in this process; 0 for other devices.

    Where there is no room for the workspace of a convolution's algorithm, PyTorch takes another one and says nothing,
    so the last bits would depend on what else uses the device.
    """
    return torch.cuda.memory_stats().get("num_ooms", 0) if device == "cuda" else 0


def check_refusals(device: str, before: int) -> None:
    """Raise torch.OutOfMemoryError if there are more of them than `before`."""
    if refusals(device) > before:
        raise torch.OutOfMemoryError("out of memory for the workspaces of convolutions")


@contextmanager
def without_refusals(device: str) -> Generator[None]:
    """Raises torch.OutOfMemoryError at the end of the block if the device had no room for something in it."""
    before = refusals(device)
    yield
    check_refusals(device, before)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is no memory left, on the CPU or on a device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in REFUSALS)


def _of_libc(name: str) -> Callable[..., int] | None:
    """A function of the C library; None where it has none of that name, as on macOS, and on Windows."""
    return None if sys.platform == "win32" else getattr(ctypes.CDLL(None), name, None)
