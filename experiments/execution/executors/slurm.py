"""Runs as tasks of SLURM's job arrays, by submitit. The state is in the runs' folders, so any command can follow."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments import ablations
from experiments.execution import state
from experiments.execution.attempt import Ended
from experiments.execution.executors.follow import Follower, ended_by_state, split
from experiments.execution.executors.options import Engine, minutes_of
from experiments.execution.executors.task import ROOT, carry_out, cores_of, portable
from experiments.execution.interruption import Interrupted, graceful
from experiments.execution.launch import ATTEMPTS, Progress, Steps, Tell, record_failure
from experiments.planning.job import Job
from experiments.spec import SpecError

FOLDER = "slurm"  # in the study's folder: what the tasks print, and what submitit sends them
TASK = "slurm_task.txt"  # in a run's folder: the task that was submitted for it last
POLL_S, MOST_POLL_S = 2.0, 30.0  # between two questions to SLURM: more often while a study is young
WRITE_S = 60.0  # so long a file that a task has written may take to be seen on a network file system
OVER = {"COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL", "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY",
        "PREEMPTED", "REVOKED"}  # fmt: skip
UNKNOWN = "UNKNOWN"  # SLURM has forgotten the task, some minutes after its end
REQUESTS = 1000  # of a task to be queued again at its time limit


class Task:
    """One run, as submitit sends it to the node.

    Before its time limit, or where another user's job takes its place, SLURM sends SIGUSR2: the run writes a
    checkpoint, and submitit queues the task again, which resumes.
    """

    def __call__(self, job: Job, files: Sequence[Path]) -> str:
        try:
            ended = carry_out(job, files)
        except Interrupted as interrupt:
            if interrupt.status == 128 + signal.SIGUSR2:
                signal.raise_signal(signal.SIGUSR2)  # `carry_out` has given submitit its handler back
            sys.exit(interrupt.status)
        return ended.error or str(ended.result)

    def checkpoint(self, *arguments: Any) -> Any:
        """Called by submitit: what the task does when it is started again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, *arguments)


def check() -> None:
    """Raise SpecError, one line, where submitit or SLURM's commands are missing."""
    if importlib.util.find_spec("submitit") is None:
        raise SpecError("--executor slurm needs submitit: pip install -e '.[slurm]'")
    if missing := [name for name in ("sbatch", "squeue", "srun", "scontrol") if shutil.which(name) is None]:
        raise SpecError(f"--executor slurm: this machine has no {missing[0]}; run the command where jobs are submitted")


def launch(
    engine: Engine, most: int | None, jobs: Sequence[Job], progress: Progress, tell: Tell, stepped: Steps
) -> Iterator[Ended]:
    """Complete `jobs` as SLURM's tasks, at most `most` at a time; yields each as it ends.

    A task that ends without a result is submitted again, ATTEMPTS times in all; one that another command has submitted
    is followed. Raises Interrupted when a signal ends this process; the tasks continue.
    """
    done, rest = split(list(map(portable, jobs)))
    yield from (Ended(job, "skipped") for job in done)
    with graceful() as stop:
        tasks = {task: job for job in rest if (task := _task_of(job))}
        known = _states(tasks) or {}
        tasks = {task: job for task, job in tasks.items() if known.get(task, UNKNOWN) not in (OVER | {UNKNOWN})}
        followed = {job.folder for job in tasks.values()}
        if followed:
            print(f"{len(followed)} runs are in SLURM's queue already and are followed", file=sys.stderr)
        tasks |= submit(engine, most, [job for job in rest if job.folder not in followed])
        yield from _follow(engine, most, tasks, Follower(progress, POLL_S), tell, stop)
        if stop():
            arrays = sorted({task.partition("_")[0] for task in tasks})
            print(
                f"the runs continue in SLURM; run the same command again to follow them, or end them with "
                f"`scancel {' '.join(arrays)}`",
                file=sys.stderr,
            )


def _follow(
    engine: Engine, most: int | None, tasks: dict[str, Job], follower: Follower, tell: Tell, stop: Any
) -> Iterator[Ended]:
    begun, attempts, over_since = time.monotonic(), Counter[Path](), dict[str, float]()
    while tasks and not stop():
        states = _states(tasks)
        if states is None:
            time.sleep(MOST_POLL_S)  # SLURM's controller is away: tasks that run continue
            continue
        follower.look([job for task, job in tasks.items() if states.get(task) != "PENDING"])
        again = []
        for task, job in list(tasks.items()):
            name = states.get(task, UNKNOWN)
            if name not in OVER and name != UNKNOWN:
                over_since.pop(task, None)
                continue
            since = over_since.setdefault(task, time.monotonic())
            ended = ended_by_state(job)
            if ended is None and time.monotonic() - since < (WRITE_S if name in ("COMPLETED", UNKNOWN) else POLL_S):
                continue
            del tasks[task]
            if ended is None:
                attempts[job.folder] += 1
                ended = _without_result(task, name, job, attempts[job.folder])
            if ended is None:
                tell(job, f"task {task} ended without a result ({name}); it is submitted again")
                again.append(job)
            else:
                if ended.error and not state.read(job.folder).error:
                    record_failure(job, ended.error, tell)
                yield ended
        tasks |= submit(engine, most, again)
        _pause(min(MOST_POLL_S, max(follower.pause_s, (time.monotonic() - begun) / 20)), stop)


def _pause(seconds: float, stop: Any) -> None:
    until = time.monotonic() + seconds
    while not stop() and time.monotonic() < until:
        time.sleep(0.2)


def _without_result(task: str, name: str, job: Job, attempts: int) -> Ended | None:
    """Why a task that wrote no result is not submitted again; None if it is."""
    log = job.study / FOLDER / f"{task}_0_log.err"
    if name == "CANCELLED":
        return Ended(job, None, f"task {task} was cancelled in SLURM; run the same command again to resume")
    if name == "OUT_OF_MEMORY":
        more = "ask for more with sbatch's own variables, e.g. SBATCH_MEM_PER_CPU=8G, and run the same command again"
        return Ended(job, None, f"task {task} took more memory than SLURM gave it; {more}")
    if attempts >= ATTEMPTS:
        return Ended(job, None, f"its task ended without a result {attempts} times (last {name}; see {log})")
    return None


def submit(engine: Engine, most: int | None, jobs: Sequence[Job]) -> dict[str, Job]:
    """One array per as many jobs as SLURM allows; returns the job of every task. Raises SpecError if SLURM refuses."""
    if not jobs:
        return {}
    import submitit
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    study, files = jobs[0].study, ablations.loaded_files()
    executor = submitit.SlurmExecutor(study / FOLDER, max_num_timeout=REQUESTS)
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    executor.update_parameters(
        job_name=jobs[0].ablation,
        time=minutes_of(engine.time or ""),
        cpus_per_task=max(map(cores_of, jobs)),
        array_parallelism=most or len(jobs),
        setup=[f"export PYTHONPATH={paths!r}"],
        additional_parameters={"requeue": True},
        **({} if engine.partition is None else {"partition": engine.partition}),
        **({} if not engine.gpus else {"gpus_per_node": int(engine.gpus)}),
    )
    for job in jobs:
        job.folder.mkdir(parents=True, exist_ok=True)
        state.retry(job.folder)
    tasks: dict[str, Job] = {}
    size = _largest_array()
    for start in range(0, len(jobs), size):
        part = jobs[start : start + size]
        try:
            submitted = executor.map_array(Task(), part, [files] * len(part))
        except (FailedJobError, FailedSubmissionError) as error:
            raise SpecError(f"SLURM refused the jobs: {_last_line(error)}") from None
        for task, job in zip(submitted, part, strict=True):
            tasks[task.job_id] = job
            (job.folder / TASK).write_text(f"{task.job_id}\n")
    return tasks


def _last_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip() and "submitit" not in line]
    return lines[-1].strip() if lines else type(error).__name__


def _task_of(job: Job) -> str | None:
    path = job.folder / TASK
    return path.read_text().strip() if path.exists() else None


def _states(tasks: Mapping[str, Job]) -> dict[str, str] | None:
    """SLURM's word for the state of every task that it still knows; None while its controller does not answer."""
    if not tasks:
        return {}
    arrays = ",".join(sorted({task.partition("_")[0] for task in tasks}))
    call = ["squeue", "--noheader", "--array", "--states=all", "--format=%i %T", f"--jobs={arrays}"]
    done = subprocess.run(call, capture_output=True, text=True)
    if done.returncode != 0:
        return {} if "Invalid job id" in done.stderr else None
    return dict(line.split() for line in done.stdout.splitlines() if line.strip())


def _largest_array() -> int:
    """Tasks per array that this cluster allows."""
    done = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True)
    for line in done.stdout.splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "MaxArraySize":
            return max(1, int(value) - 1)
    return 1000
