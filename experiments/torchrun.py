"""What `torchrun` tells each of the processes that train one run together; without it there is one process."""

from __future__ import annotations

import os

KEYS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def count() -> int:
    """Processes, over all hosts."""
    return int(os.environ["WORLD_SIZE"]) if all(key in os.environ for key in KEYS) else 1


def rank() -> int:
    """This process's number, from 0 to count - 1; process 0 plans, logs and writes."""
    return int(os.environ["RANK"]) if count() > 1 else 0


def local_rank() -> int:
    """This process's number on its host."""
    return int(os.environ["LOCAL_RANK"]) if count() > 1 else 0


def local_count() -> int:
    """Processes on this host."""
    return int(os.environ["LOCAL_WORLD_SIZE"]) if count() > 1 else 1
