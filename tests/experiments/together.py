"""Two processes that train together, as `torchrun` starts them, for tests."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Callable
from typing import Any

import torch

from experiments.training import group


def in_processes(number: int, work: Callable[..., None], *arguments: Any) -> None:
    """`work(*arguments)` in so many processes at once; fails if one of them does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    started = [context.Process(target=_join, args=(rank, number, port, work, arguments)) for rank in range(number)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * number


def _join(rank: int, number: int, port: int, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(number), LOCAL_WORLD_SIZE=str(number),
        MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port),
    )  # fmt: skip
    torch.set_num_threads(1)
    with group.joined():
        work(*arguments)
        assert group.is_first() or group.receive() is None  # the first sends it as it leaves
