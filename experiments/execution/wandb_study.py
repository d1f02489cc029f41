"""A study and its W&B server: one check before training, and at the end what the server lacks is sent, or how to."""

from __future__ import annotations

import dataclasses
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from experiments.execution.wandb_check import Server, UnavailableError, check
from experiments.execution.wandb_environment import client_settings, without_effect
from experiments.execution.wandb_files import log_id, unsent
from experiments.planning.job import Job

Say = Callable[[str], object]
SEND_LIMIT_S = 30.0  # and PER_LOG_S for each log
PER_LOG_S = 5.0


def begin(jobs: Sequence[Job], say: Say) -> list[Job]:
    """The jobs as they are to be logged: offline, with a line that says why, where the server cannot be used.

    Raises TrackingError for settings that the client rejects.
    """
    for line in without_effect():
        say(line)
    if jobs[0].wandb != "online":
        if any(variable.startswith("WANDB_") for variable in os.environ):
            with _client():
                client_settings()
        return list(jobs)
    try:
        with _client():
            server = check()
    except UnavailableError as error:
        say(f"W&B: {error}. Runs are logged offline.")
        return [dataclasses.replace(job, wandb="offline") for job in jobs]
    say(f"W&B project: {_project(server, jobs[0])}")
    return list(jobs)


def end(jobs: Sequence[Job], say: Say) -> None:
    """Where these jobs were planned as online: send the logs that the server lacks; say what is where."""
    if jobs[0].wandb != "online":
        return
    left = unsent(jobs)
    try:
        with _client():
            server = check()
        if left:
            say(f"sending {_logs(left)} to {server.address}")
            problem = _send(jobs, left)
            left = unsent(jobs)
            if problem:
                say(f"W&B: {problem}")
        for job in jobs:
            say(f"{job.name}: {_project(server, job)}/runs/{log_id(job)}")
    except UnavailableError as error:
        if left:
            say(f"W&B: {error}.")
    if left:
        say(f"{_logs(left)} still to be sent: {shlex.join(['wandb', *command(jobs, left)])}")


def command(jobs: Sequence[Job], logs: Sequence[Path]) -> list[str]:
    """The arguments of `wandb` that send these logs: the study's folder of logs stands for those in it."""
    folder, extra = jobs[0].study / "wandb", jobs[0].destination
    older = [str(log) for log in logs if log.parent != folder]
    words = ["sync", *(["--entity", extra.entity] if extra.entity else [])]
    words += ["--project", extra.project] if extra.project else []
    return [*words, *([str(folder)] if len(older) < len(logs) else []), *older]


def _send(jobs: Sequence[Job], logs: Sequence[Path]) -> str | None:
    """Run that command; what went wrong, in a line."""
    limit_s = SEND_LIMIT_S + PER_LOG_S * len(logs)
    call = [sys.executable, "-m", "wandb", *command(jobs, logs)]
    try:
        done = subprocess.run(call, capture_output=True, text=True, timeout=limit_s, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return f"sending took longer than {limit_s:g} s"
    said = (done.stderr + done.stdout).strip().splitlines()
    return f"`wandb sync` failed: {said[-1] if said else 'without a word'}" if done.returncode else None


@contextmanager
def _client() -> Generator[None]:
    """W&B's process ends with the question: it would outlive the runs, and hold their ids."""
    import wandb

    try:
        yield
    finally:
        wandb.teardown()


def _logs(found: Sequence[Path]) -> str:
    return f"{len(found)} log{'s' * (len(found) != 1)}"


def _project(server: Server, job: Job) -> str:
    return server.project(job.destination.entity, job.destination.project or job.ablation)
