"""How worker processes begin. Imports no PyTorch, so that they can begin to load it before this process has."""

from __future__ import annotations

import multiprocessing
import shutil
from multiprocessing import forkserver
from typing import Any

PRELOADED = ["torch._dynamo", "wandb"]  # what takes longest: 2.5 s, once instead of once a worker


def context(device: str) -> Any:
    """Workers of a CPU fork from a server that has loaded PyTorch; those of a GPU begin anew: no fork survives CUDA."""
    if device == "cuda":
        return multiprocessing.get_context("spawn")
    chosen = multiprocessing.get_context("forkserver")
    chosen.set_forkserver_preload(PRELOADED)
    return chosen


def has_gpu() -> bool:
    """Whether NVIDIA's driver is here, without asking PyTorch."""
    return shutil.which("nvidia-smi") is not None


def begin(device: str | None) -> None:
    """Have that server load while the caller makes its plan; a GPU's workers need none."""
    if device == "cpu" or not has_gpu():
        context("cpu")
        forkserver.ensure_running()
