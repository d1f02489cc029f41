"""How worker processes start. Does not import PyTorch, so that they can begin to load it before this process has."""

from __future__ import annotations

import multiprocessing
import sys
from typing import Any

from experiments import torchrun
from experiments.execution.interruption import blocked
from experiments.machine import has_gpu

PRELOADED = ["torch._dynamo", "wandb"]  # what takes longest: 2.5 s, once instead of once per worker


def context(device: str) -> Any:
    """How workers start: on Linux, for the CPU, forked from a server that has loaded PyTorch; otherwise spawned.

    No fork survives CUDA, macOS libraries may crash in a forked process, and Windows has no fork.
    """
    if device != "cpu" or sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    chosen = multiprocessing.get_context("forkserver")
    chosen.set_forkserver_preload(PRELOADED)
    return chosen


def begin(device: str | None) -> None:
    """Have that server load while the caller makes its plan; spawned workers need none, nor do torchrun's processes."""
    on_cpu = device == "cpu" or (device is None and not has_gpu())
    if on_cpu and sys.platform == "linux" and torchrun.count() == 1:
        start_server()


def start_server() -> None:
    """Start the server, if it is not there yet, so that signals to the process group leave it and its forks alone."""
    from multiprocessing import forkserver, resource_tracker

    context("cpu")
    with blocked():
        resource_tracker.ensure_running()  # unblocks SIGINT and SIGTERM when it starts its own process
    with blocked():
        forkserver.ensure_running()
