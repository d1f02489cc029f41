"""Many runs on one machine: one after the other in this process, or in parallel in a pool of processes.

Results do not depend on how many run in parallel: a run's threads are part of its spec, its randomness is named.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from experiments import machine, torchrun
from experiments.execution import state
from experiments.execution.attempt import Ended, attempt, batch_estimate
from experiments.execution.held import POLL_S, Held
from experiments.execution.interruption import WINDOWS, Stop, graceful
from experiments.execution.pool import Killed, Logged, Pool, Stepped, Told
from experiments.planning.concurrency import MOST_ON_GPU
from experiments.planning.job import Job
from experiments.training import group
from experiments.training.files import refusal
from experiments.training.session import Control, Row

__all__ = ["Ended", "launch"]

ATTEMPTS = 3  # of a run whose process is killed
Progress = Callable[[Job, Row], None]
Tell = Callable[[Job, str], None]
Steps = Callable[[Job, int], None]


def tell_on_stderr(job: Job, line: str) -> None:
    print(f"{job.name}: {line}", file=sys.stderr)


def launch(
    jobs: Sequence[Job],
    parallel: int,
    progress: Progress,
    tell: Tell = tell_on_stderr,
    stepped: Steps = lambda job, steps: None,
) -> Iterator[Ended]:
    """Complete `jobs`, `parallel` at a time; yields each as it ends. One that fails does not stop the others.

    `progress` is called with every logged row, `stepped` about once a second with the steps that a run has taken,
    `tell` with a line for the user. A run whose process is killed or out of memory is started again with fewer in
    parallel; a run that another process is training is waited for.
    Raises Interrupted, after every run has written a checkpoint, when a signal asks this process to end.
    """
    if sys.platform == "win32":
        print(WINDOWS, file=sys.stderr)
    cores, runs = machine.cores(), min(parallel, len(jobs)) * torchrun.local_count()
    jobs = [replace(job, loading=job.loading.settled(job.spec.device, job.spec.threads, cores, runs)) for job in jobs]
    method = in_turn if parallel == 1 or len(jobs) == 1 else in_parallel
    with graceful() as stop:
        for ended in method(jobs, parallel, progress, tell, stepped, stop):
            if ended.error:
                record_failure(ended.job, ended.error, tell)
            yield ended


def record_failure(job: Job, error: str, tell: Tell) -> None:
    """Have `--status` say what stopped the run."""
    try:
        state.fail(job.folder, error)
    except OSError as refused:
        tell(job, refusal(job.folder / state.NAME, refused))


def in_turn(
    jobs: Sequence[Job], parallel: int, progress: Progress, tell: Tell, stepped: Steps, stop: Stop
) -> Iterator[Ended]:
    waiting, held = deque(jobs), Held(tell)
    while (waiting or held) and not stop() and not group.is_broken():
        waiting.extend(held.freed())
        if not waiting:
            time.sleep(POLL_S)
            continue
        job = waiting.popleft()
        control = Control(
            stop, lambda line, job=job: tell(job, line), lambda steps, job=job: stepped(job, steps), job.checkpoint_s
        )
        ended = attempt(job, lambda row, job=job: progress(job, row), control, alone=True)
        if ended.result == "busy":
            held.add(job)
        elif ended.cause != "stop":
            yield ended
    if group.is_broken():
        for job in waiting:
            yield Ended(job, None, "not begun, because the processes that train together have failed in another run")


def in_parallel(
    jobs: Sequence[Job], parallel: int, progress: Progress, tell: Tell, stepped: Steps, stop: Stop
) -> Iterator[Ended]:
    waiting, held, kills = deque(jobs), Held(tell), Counter[str]()
    device = jobs[0].spec.device

    def again(job: Job, reason: str, runs: int) -> None:
        nonlocal parallel
        parallel = max(1, runs)
        waiting.appendleft(job)
        tell(job, f"{reason}; it is started again, now with {parallel} in parallel")

    with Pool(device, share(device, parallel)) as pool:
        stop.actions.append(pool.stop)
        while (waiting or held or pool.running) and not (stop() and not pool.running):
            waiting.extend(held.freed())
            while waiting and pool.running < parallel and not stop():
                pool.start(waiting.popleft(), alone=parallel == 1)
            pool.shrink(parallel)
            for event in pool.events(POLL_S if held else None):
                match event:
                    case Logged():
                        progress(event.job, event.row)
                    case Stepped():
                        stepped(event.job, event.steps)
                    case Told():
                        tell(event.job, event.line)
                    case Killed(jobs=[job]) if not stop():
                        kills[job.name] += 1
                        if kills[job.name] < ATTEMPTS:
                            again(job, f"its process was killed ({signal_or_status(event.exit_code)})", parallel - 1)
                        else:
                            reason = f"its process was killed {ATTEMPTS} times ({signal_or_status(event.exit_code)})"
                            yield Ended(job, None, f"{reason}; {batch_estimate(job)}")
                    case Killed() if not stop():  # which of them did it is not known: fewer, until one is alone
                        runs = len(event.jobs) // 2
                        for job in reversed(event.jobs):
                            again(job, f"its process was killed ({signal_or_status(event.exit_code)})", runs)
                    case Ended(result="busy"):
                        held.add(event.job)
                    case Ended(cause="memory") if parallel > 1:
                        again(event.job, event.error or "out of memory", parallel - 1)
                    case Ended() if event.cause != "stop":
                        yield event


def share(device: str, parallel: int) -> int:
    """Runs of one process: on a CUDA device all that train in parallel, since processes do not overlap there."""
    return min(parallel, MOST_ON_GPU) if device == "cuda" else 1


def signal_or_status(exit_code: int | None) -> str:
    return f"signal {-exit_code}" if exit_code and exit_code < 0 else f"exit status {exit_code}"
