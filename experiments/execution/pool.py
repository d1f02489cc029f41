"""Worker processes that train runs: on a CPU one run each, on a GPU a group of runs that take turns."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from experiments import ablations
from experiments.execution import workers
from experiments.execution.attempt import Ended, attempt
from experiments.execution.interruption import Stop, blocked
from experiments.planning.job import Job
from experiments.training.memory import release_memory
from experiments.training.session import Control, Row
from experiments.training.turns import Turns


@dataclass(frozen=True)
class Logged:
    job: Job
    row: Row


@dataclass(frozen=True)
class Stepped:
    job: Job
    steps: int


@dataclass(frozen=True)
class Told:
    job: Job
    line: str


@dataclass(frozen=True)
class Killed:
    """The process of these jobs has ended without a report."""

    jobs: list[Job]
    exit_code: int | None


Event = Logged | Stepped | Told | Killed | Ended


@dataclass(eq=False)
class Worker:
    process: Any
    connection: Connection
    jobs: list[Job] = field(default_factory=list)


class Pool:
    """Use as a context: at its end every worker has ended. `stop` has every run write a checkpoint and end.

    share: the most runs of one worker.
    """

    def __init__(self, device: str, share: int = 1) -> None:
        self.device, self.share = device, share
        self.context = workers.context(device)
        self.workers: list[Worker] = []
        self.stopped, self.stopper = self.context.Pipe(duplex=False)

    @property
    def running(self) -> int:
        return sum(len(worker.jobs) for worker in self.workers)

    def start(self, job: Job, alone: bool) -> None:
        """Hand `job` to a worker that has room, or to a new one. alone: no other run is to use the memory."""
        worker = next((worker for worker in self.workers if len(worker.jobs) < self.share), None) or self._new()
        worker.jobs.append(job)
        with suppress(OSError):  # it has just died: `events` will say so
            worker.connection.send((job, alone))

    def shrink(self, size: int) -> None:
        """End idle workers while there are more than `size`: each takes memory."""
        idle = [worker for worker in self.workers if not worker.jobs]
        for worker in idle[: max(0, len(self.workers) - size)]:
            self._dismiss(worker)

    def stop(self) -> None:
        self.stopper.close()

    def events(self, timeout: float | None) -> Iterator[Event]:
        """What the workers report, waiting for it up to `timeout` seconds; None: until there is something."""
        waited: dict[Any, Worker] = {worker.connection: worker for worker in self.workers}
        waited |= {worker.process.sentinel: worker for worker in self.workers}
        for worker in dict.fromkeys(waited[ready] for ready in wait(list(waited), timeout)):
            yield from self._received(worker)

    def _received(self, worker: Worker) -> Iterator[Event]:
        alive = worker.process.is_alive()  # asked first: what it sent before its end is read below
        try:
            while worker.connection.poll():
                event = worker.connection.recv()
                if isinstance(event, Ended):
                    worker.jobs = [job for job in worker.jobs if job.folder != event.job.folder]
                yield event
        except (EOFError, OSError):
            alive = False
        if not alive:
            self._dismiss(worker)
            if worker.jobs:
                yield Killed(worker.jobs, worker.process.exitcode)

    def _new(self) -> Worker:
        connection, theirs = self.context.Pipe()
        about = (self.device, self.share, ablations.loaded_files())
        process = self.context.Process(target=_serve, args=(theirs, self.stopped, *about))
        if self.context.get_start_method() == "forkserver":
            workers.start_server()  # again, if it was killed
        with blocked():
            process.start()
        theirs.close()
        self.workers.append(worker := Worker(process, connection))
        return worker

    def _dismiss(self, worker: Worker) -> None:
        self.workers.remove(worker)
        with suppress(OSError):
            worker.connection.send(None)
        worker.process.join()
        worker.connection.close()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        for worker in list(self.workers):
            self._dismiss(worker)
        self.stopped.close()


def _serve(connection: Connection, stopped: Connection, device: str, share: int, files: Sequence[Path]) -> None:
    """A worker's life: the jobs that it is sent, up to `share` at a time, until it is sent None or its parent is gone.

    files: of the user, which register what the jobs name.
    """
    stop, turns = Stop(), Turns(device)
    threading.Thread(target=_watch, args=(stopped, stop), daemon=True).start()
    for file in files:
        ablations.load_file(file)
    last = False
    with suppress(EOFError, OSError):
        while turns or not last:
            if not last and (not turns or (len(turns) < share and connection.poll())):
                task = connection.recv()
                last = task is None
                if task is not None:
                    turns.add(partial(_complete, *task, connection, stop, turns))
            turns.take()


def _complete(job: Job, alone: bool, connection: Connection, stop: Stop, turns: Turns) -> None:
    control = Control(
        stop,
        lambda line: connection.send(Told(job, line)),
        lambda steps: connection.send(Stepped(job, steps)),
        job.checkpoint_s,
        turns.turn,
    )
    ended = attempt(job, lambda row: connection.send(Logged(job, row)), control, alone)
    if ended.cause == "memory":
        gc.collect()
        release_memory()  # for the others
    connection.send(ended)


def _watch(stopped: Connection, stop: Stop) -> None:
    """Have the run stop when the parent says so; exit at once when the parent is gone: the run can be resumed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    if parent.sentinel not in wait([parent.sentinel, stopped]):
        stop.request()
        wait([parent.sentinel])
    os._exit(1)
