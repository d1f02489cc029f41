"""Named random streams: randomness depends on (seed, purpose, ...) alone, never on what was drawn before."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def stream_seed(seed: int, *path: object) -> int:
    """A 63-bit number that depends only on (seed, path), e.g. (3, "order", epoch)."""
    text = "/".join(map(str, (seed, *path)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, *path: object) -> torch.Generator:
    """A fresh CPU stream for one purpose. The same path gives the same values on every device."""
    return torch.Generator().manual_seed(stream_seed(seed, *path))


def reseed_global(seed: int, *path: object) -> None:
    """Put the global streams at the start of a named one: PyTorch's (dropout draws from it), NumPy's, Python's."""
    start = stream_seed(seed, *path)
    torch.manual_seed(start)
    np.random.seed(start % 2**32)
    random.seed(start)


def global_streams(device: str) -> dict[str, Any]:
    """Where the global streams are, for `restore_streams`; plain data and tensors, so that a checkpoint can hold it."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    numpy_state = [kind, torch.from_numpy(np.asarray(keys, np.int64)), *rest]
    state = {"torch": torch.get_rng_state(), "numpy": numpy_state, "python": random.getstate()}
    return state if device == "cpu" else {**state, device: torch.get_device_module(device).get_rng_state()}


def restore_streams(state: Mapping[str, Any]) -> None:
    """Put the global streams where `global_streams` found them."""
    torch.set_rng_state(state["torch"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
    random.setstate(state["python"])
    for device in state.keys() - {"torch", "numpy", "python"}:
        torch.get_device_module(device).set_rng_state(state[device])


def make_deterministic(enabled: bool = True) -> None:
    """Ask PyTorch for the same bits from the same spec; on CUDA some kernels become slower.

    enabled: False allows operators that have no deterministic implementation. Inductor follows: where it is enabled,
    torch.compile chooses no kernel by timing it. `experiments/__init__.py` sets what cuBLAS reads.
    """
    torch.use_deterministic_algorithms(enabled)
    # PyTorch would write NaN into every new tensor, 18 % of a ResNet-20 step on a CPU; none is read unwritten.
    settings: Any = torch.utils.deterministic
    settings.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
