"""The other processes that `torchrun` starts: they train every run of process 0 together with it, and write nothing."""

from __future__ import annotations

import signal
import sys

from experiments import temporary, torchrun, user_file
from experiments.execution.attempt import KNOWN_ERRORS
from experiments.execution.interruption import SIGNALS, Stop
from experiments.execution.run import load_data
from experiments.planning.job import Job
from experiments.training import group
from experiments.training.group import LostError
from experiments.training.session import Control, StoppedError
from experiments.training.train import train


def follow() -> int:
    """Train runs until process 0 has no more; the exit status. A signal stops the run under way in all processes."""
    temporary.use_own_folder()
    stop = Stop()
    try:
        with group.joined():
            for number in SIGNALS:
                signal.signal(number, lambda number, frame: stop.request(number))
            while (job := group.receive()) is not None:
                share(job, stop)
    except KNOWN_ERRORS as error:
        print(f"process {torchrun.rank()}: {error}", file=sys.stderr)
        return 1 if isinstance(error, LostError) else 2
    return 0 if stop.number is None else 128 + stop.number


def share(job: Job, stop: Stop) -> None:
    """This process's part of a run; returns when the run has ended or stopped."""
    if job.file is not None:
        user_file.import_file(job.file)
    data = load_data(job)
    try:
        with group.together(StoppedError):
            train(job.spec, data, job.folder, lambda row: None, job.signals, control=Control(stop))
    except StoppedError:
        return  # process 0 says what comes next
