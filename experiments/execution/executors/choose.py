"""From the user's options to the function that carries out the runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from experiments import machine, torchrun
from experiments.execution.attempt import Ended
from experiments.execution.executors import ray_core, slurm
from experiments.execution.executors.options import Engine
from experiments.execution.launch import Progress, Steps, Tell, launch
from experiments.planning.job import Job
from experiments.spec import Device, SpecError

Executor = Callable[[Sequence[Job], Progress, Tell, Steps], Iterator[Ended]]


def device_for(engine: Engine, wanted: Device | None) -> Device:
    """The device of this machine, or, where the runs are carried out elsewhere, the one that they ask for."""
    return machine.device_for(wanted) if engine.executor == "local" else wanted or engine.device


def local(parallel: int) -> Executor:
    def carry_out(jobs: Sequence[Job], progress: Progress, tell: Tell, stepped: Steps) -> Iterator[Ended]:
        return launch(jobs, parallel, progress, tell, stepped)

    return carry_out


def elsewhere(engine: Engine, most: int | None) -> tuple[Executor, str]:
    """An engine's executor, and what it is in words. most: runs at a time; None: as many as the engine gives."""
    limit = f", at most {most} at a time" if most else ""
    if engine.executor == "slurm":
        return partial(slurm.launch, engine, most), f"as SLURM tasks of at most {engine.time}{limit}"
    return partial(ray_core.launch, engine, most), f"as Ray tasks{limit}"


def check(engine: Engine) -> None:
    """Raise SpecError, one line, where the engine cannot be used from this machine."""
    if engine.executor != "local" and torchrun.count() > 1:
        raise SpecError(f"--executor {engine.executor} starts runs of its own; leave torchrun out, or --executor")
    if engine.executor == "slurm":
        slurm.check()
    elif engine.executor == "ray":
        ray_core.check(engine)
