"""Many runs on one machine: in turn in this process, or side by side in a pool of processes.

Results do not depend on how many run at once: a run's threads are part of its spec, and its randomness is named.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from experiments.datasets import DataError
from experiments.execution import workers
from experiments.execution.run import complete_run
from experiments.execution.wandb_environment import TrackingError
from experiments.planning.job import Job
from experiments.training.checkpoint import CheckpointError
from experiments.training.train import Row

KNOWN_ERRORS = (DataError, CheckpointError, TrackingError, OSError)


@dataclass(frozen=True)
class Ended:
    """A job's end: its result, or what stopped it (one line for a known error, else a traceback)."""

    job: Job
    result: str | None
    error: str | None = None
    known: bool = True


def launch(jobs: Sequence[Job], at_once: int, progress: Callable[[Job, Row], None]) -> Iterator[Ended]:
    """Carry out `jobs`, `at_once` at a time; yields each as it ends. One that fails does not stop the others.

    `progress` is called with every logged row, from a thread of this process.
    """
    if at_once == 1 or len(jobs) == 1:
        for job in jobs:
            yield _attempt(job, lambda row, job=job: progress(job, row))
        return
    context = workers.context(jobs[0].spec.device)
    rows = context.Queue()
    listener = threading.Thread(target=_listen, args=(rows, jobs, progress), daemon=True)
    listener.start()
    stopped, stop = context.Pipe(duplex=False)
    with ProcessPoolExecutor(min(at_once, len(jobs)), context, _start_worker, (rows, stopped)) as pool:
        waiting = {pool.submit(_work, index, job): job for index, job in enumerate(jobs)}
        try:
            for future in as_completed(waiting):
                try:
                    yield future.result()
                except BrokenProcessPool:
                    yield Ended(waiting[future], None, "its process was killed (out of memory?); run the command again")
        except BaseException:  # an interrupt: what is under way goes on from its checkpoint another time
            stop.close()
            pool.shutdown(cancel_futures=True)
            raise
    rows.put(None)
    listener.join()


def _listen(rows: Any, jobs: Sequence[Job], progress: Callable[[Job, Row], None]) -> None:
    while (item := rows.get()) is not None:
        index, row = item
        progress(jobs[index], row)


def _start_worker(rows: Any, stopped: Connection) -> None:
    global _rows
    _rows = rows
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal; the parent decides
    threading.Thread(target=_end_with_parent, args=(stopped,), daemon=True).start()


def _end_with_parent(stopped: Connection) -> None:
    """A worker whose parent stops, or was killed, ends at once: the next start resumes its run from the checkpoint."""
    wait([multiprocessing.parent_process().sentinel, stopped])
    os._exit(1)


def _work(index: int, job: Job) -> Ended:
    return _attempt(job, lambda row: _rows.put((index, row)))


def _attempt(job: Job, progress: Callable[[Row], None]) -> Ended:
    try:
        return Ended(job, complete_run(job, progress))
    except KNOWN_ERRORS as error:
        return Ended(job, None, str(error))
    except Exception:
        return Ended(job, None, traceback.format_exc(), known=False)
