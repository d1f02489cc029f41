"""Runs as tasks of Ray Core, on one machine or a cluster. The state is in the runs' folders, on a shared path."""

from __future__ import annotations

import importlib.util
import logging
import os
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from experiments import ablations
from experiments.execution.attempt import Ended
from experiments.execution.executors.follow import Follower, split
from experiments.execution.executors.options import Engine
from experiments.execution.executors.task import ROOT, carry_out, cores_of, portable
from experiments.execution.interruption import Stop, graceful
from experiments.execution.launch import ATTEMPTS, Progress, Steps, Tell, record_failure
from experiments.planning.job import Job
from experiments.spec import SpecError

POLL_S = 1.0
ANSWER_S = 10.0
STOP_S = 60.0  # a step and a checkpoint take less


def check(engine: Engine) -> None:
    """Raise SpecError, one line, where Ray is missing or nothing answers at the address."""
    if importlib.util.find_spec("ray") is None:
        raise SpecError("--executor ray needs Ray: pip install -e '.[ray]'")
    address = engine.address or os.environ.get("RAY_ADDRESS", "")
    if "://" in address or ":" not in address:
        return  # Ray's own words, such as auto and local
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_S).close()
    except (OSError, ValueError) as error:
        raise SpecError(
            f"no Ray cluster answers at {address} ({error}); `ray start --head` prints its address"
        ) from None


def launch(
    engine: Engine, most: int | None, jobs: Sequence[Job], progress: Progress, tell: Tell, stepped: Steps
) -> Iterator[Ended]:
    """Complete `jobs` as Ray's tasks, at most `most` at a time; yields each as it ends.

    A task whose worker or node dies is started again by Ray, ATTEMPTS times in all, and resumes from its checkpoint.
    Raises Interrupted, after every run has written a checkpoint, when a signal asks this process to end.
    """
    ray: Any = import_module("ray")
    done, rest = split(list(map(portable, jobs)))
    yield from (Ended(job, "skipped") for job in done)
    if not rest:
        return
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    environment = {"env_vars": {"PYTHONPATH": paths}}
    ray.init(address=engine.address, runtime_env=environment, log_to_driver=False, logging_level=logging.ERROR)
    try:
        with graceful() as stop:
            yield from _follow(engine, most or len(rest), deque(rest), Follower(progress, POLL_S), tell, stop)
    finally:
        ray.shutdown()


def _follow(
    engine: Engine, most: int, waiting: deque[Job], follower: Follower, tell: Tell, stop: Stop
) -> Iterator[Ended]:
    ray: Any = import_module("ray")
    files, running = ablations.loaded_files(), dict[Any, Job]()
    remote = ray.remote(max_retries=ATTEMPTS - 1)(carry_out)
    while (waiting or running) and not stop():
        while waiting and len(running) < most:
            job = waiting.popleft()
            task = remote.options(num_cpus=cores_of(job), num_gpus=engine.gpus or 0, name=job.name)
            running[task.remote(job, files)] = job
        ready, _ = ray.wait(list(running), num_returns=1, timeout=follower.pause_s)
        follower.look(running.values())
        for reference in ready:
            job = running.pop(reference)
            try:
                yield ray.get(reference)
            except ray.exceptions.RayError as error:
                ended = Ended(job, None, f"its Ray task ended without a result: {_reason(error)}")
                record_failure(job, str(ended.error), tell)
                yield ended
    if stop():
        for reference in running:
            ray.cancel(reference, force=False)  # like Ctrl-C: the run writes a checkpoint
        ray.wait(list(running), num_returns=len(running), timeout=STOP_S)


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"
