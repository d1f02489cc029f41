"""A plan as a file in its study's folder: any host can tell how much of it is done. Does not import PyTorch."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from experiments.planning.job import Job

FOLDER = "plans"


@dataclass(frozen=True)
class Planned:
    """One run of a plan. folder: within the study's. work: multiply-adds for all the images that it trains on."""

    name: str
    variant: str
    folder: str
    epochs: int
    work: float


def write(jobs: Sequence[Job], name: str) -> Path:
    """Write the plan to plans/NAME.json in the study's folder; a reader sees the old plan or the new one."""
    path = jobs[0].study / FOLDER / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    aside.write_text(json.dumps([asdict(planned_of(job)) for job in jobs]) + "\n")
    return aside.replace(path)


def planned_of(job: Job) -> Planned:
    trained = job.spec.recipe.iterations * job.spec.recipe.batch_size
    folder = job.folder.relative_to(job.study).as_posix()
    return Planned(job.name, job.variant, folder, job.spec.epochs, float(trained * job.context["multiply_adds"]))


def read(study: Path, profile: str | None = None) -> dict[str, list[Planned]]:
    """The runs of every plan that was started in this folder, by the plan's name; of one profile if it is given."""
    found = {}
    for path in sorted((study / FOLDER).glob("*.json")):
        if profile is None or path.stem == profile or path.stem.startswith(f"{profile}-"):
            found[path.stem] = [Planned(**run) for run in json.loads(path.read_text())]
    return found
