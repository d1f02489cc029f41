"""CPU threads per run: where a study has fewer runs than cores, its runs share the idle ones.

One and two threads differ in the last bits, so the number is part of every run. It is chosen once for a profile of a
study, from what is planned and not from timings, and kept beside the study's plans.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from experiments import machine, torchrun
from experiments.planning import plan_file
from experiments.planning.job import Job
from experiments.spec import RunSpec, SpecError

IMAGES = 8  # of a batch that each thread has at least
LIMIT = "OMP_NUM_THREADS"
MOST_FOUND = 256  # threads of earlier runs that are recognised by their folders


def threads_for(runs: int, batch: int) -> int:
    """min(cores / runs, batch / IMAGES, $OMP_NUM_THREADS where it is set), rounded down; at least 1."""
    limit = os.environ.get(LIMIT, "")
    given = int(limit) if limit.isdecimal() else machine.cores()
    return max(1, min(machine.cores() // runs, batch // IMAGES, given))


def settled(jobs: Sequence[Job], declared: Callable[[], Mapping[str, RunSpec]], local: bool) -> list[Job]:
    """The jobs with the study's number of threads, chosen now if it has none yet.

    declared: the specs of all variants. local: whether this command trains the runs itself, with nothing beside them;
    else a run has one thread. Runs on other devices, and whose declaration gives them threads, stay as they are.
    """
    if any(job.spec.device != "cpu" or job.spec.threads != 1 for job in jobs):
        return list(jobs)
    threads = kept(jobs[0]) or _found(jobs[0].study, declared())
    if threads is None:
        alone = local and torchrun.count() == 1
        threads = threads_for(len(jobs), min(job.spec.recipe.batch_size for job in jobs)) if alone else 1
    return [replace(job, spec=replace(job.spec, threads=threads)) for job in jobs]


def kept(job: Job) -> int | None:
    """The number of threads that this profile of the study was begun with; None before its first run."""
    path = _file(job)
    if not path.exists():
        return None
    if not (text := path.read_text().strip()).isdecimal() or not int(text):
        raise SpecError(
            f"{path} holds {text!r} instead of a number of threads; delete it, the runs' folders have it too"
        )
    return int(text)


def keep(jobs: Sequence[Job]) -> None:
    """Write the number down, unless that was done before.

    Raises SpecError if another command has begun the study with another number since this one was planned.
    """
    path, threads = _file(jobs[0]), jobs[0].spec.threads
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    aside.write_text(f"{threads}\n")
    try:
        os.link(aside, path)  # whole, and by one command alone
    except FileExistsError:
        if (other := kept(jobs[0])) != threads:
            raise SpecError(
                f"another command has just begun this study with {other} CPU threads per run; run the same command "
                "again to join it"
            ) from None
    except OSError:  # a file system without links
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _file(job: Job) -> Path:
    return job.study / plan_file.FOLDER / f"{job.profile}.threads"


def _found(study: Path, declared: Mapping[str, RunSpec]) -> int | None:
    """The threads of runs in the study's folder that differ from the declared ones in seed and threads alone."""
    for variant, spec in declared.items():
        hashes = {folder.name.rpartition("-")[2] for folder in (study / variant).glob("seed*-*")}
        for threads in range(1, MOST_FOUND + 1) if hashes else ():
            if replace(spec, threads=threads).hash8 in hashes:
                return threads
    return None
