"""One attempt at a run, whatever becomes of it: a result, or the one line that says what stopped it."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from experiments import machine
from experiments.datasets import DataError
from experiments.execution.device_memory import batch_advice
from experiments.execution.run import Result, complete_run
from experiments.execution.wandb_environment import TrackingError
from experiments.planning.concurrency import memory_bytes
from experiments.planning.job import Job
from experiments.spec import SpecError
from experiments.training.checkpoint import CheckpointError
from experiments.training.files import refusal
from experiments.training.group import LostError
from experiments.training.memory import is_out_of_memory
from experiments.training.session import Control, Row, StoppedError

KNOWN_ERRORS = (DataError, CheckpointError, TrackingError, SpecError, LostError)
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)


@dataclass(frozen=True)
class Ended:
    """A job's end: its result, or what stopped it (one line for a known error, else a traceback).

    cause: "memory" if it ran out of memory, "stop" if it was asked to stop and has written a checkpoint.
    """

    job: Job
    result: Result | None
    error: str | None = None
    known: bool = True
    cause: Literal["", "memory", "stop"] = ""


def attempt(job: Job, progress: Callable[[Row], None], control: Control, alone: bool) -> Ended:
    """alone: no other run shares the memory, so a lack of it is final and the batch that fits is named."""
    try:
        return Ended(job, complete_run(job, progress, control))
    except StoppedError:
        return Ended(job, None, "stopped by a signal; run the same command again to resume", cause="stop")
    except KNOWN_ERRORS as error:
        return Ended(job, None, str(error))
    except OSError as error:
        path = Path(error.filename) if isinstance(error.filename, str) else job.study / "wandb"
        return Ended(job, None, refusal(path, error) if error.errno in DISK else str(error))
    except Exception as error:
        if not is_out_of_memory(error):
            return Ended(job, None, traceback.format_exc(), known=False)
    reason = (
        f"out of memory with batches of {job.spec.recipe.batch_size}"  # the error's frames hold no tensors any more
    )
    return Ended(job, None, f"{reason}; {batch_advice(job.spec)}" if alone else reason, cause="memory")


def batch_estimate(job: Job) -> str:
    """The same by estimate, for a run whose process was killed: trying could have this process killed too."""
    batch, spec = job.spec.recipe.batch_size, job.spec
    while batch > 1 and memory_bytes(spec, job.loading) > machine.free_memory():
        batch //= 2
        spec = replace(spec, recipe=replace(spec.recipe, batch_size=batch))
    if batch == job.spec.recipe.batch_size:
        return "memory should suffice for it; look for what else ends processes here, and run the command again"
    return f"it probably ran out of memory; batches of {batch} should fit (recipe.batch_size; it changes the recipe)"
