"""What the user says about the machines that carry out the runs. Imports nothing slow: it is part of `--help`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

import tyro

from experiments.spec import SpecError

Item = TypeVar("Item")
DURATION = re.compile(r"(?:(?P<days>\d+)-)?(?P<clock>\d+(?::\d+){0,2})")


@dataclass(frozen=True)
class Engine:
    """Where the runs are carried out; none of it changes a result (docs/scale.md)."""

    executor: Literal["local", "slurm", "ray"] = "local"
    """Who carries out the runs: this machine, SLURM or Ray. All of them share the folder given by --out."""
    partition: str | None = None
    """With slurm: the partition; without it, the cluster's default."""
    gpus: float | None = None
    """With slurm or ray: GPUs per run (with ray also a fraction, e.g. 0.5). Runs then use cuda, else cpu."""
    time: str | None = None
    """With slurm: the longest that one task may take, as sbatch has it (90, 4:00:00, 1-12). A run that takes longer
    writes a checkpoint, is queued again and resumes."""
    address: str | None = None
    """With ray: the cluster's address, e.g. 10.0.0.1:6379. Default: $RAY_ADDRESS, else a cluster on this machine."""
    shard: Annotated[str | None, tyro.conf.arg(metavar="I/N")] = None
    """Only the I-th of N equal parts of the plan, e.g. 1/4, for machines with no engine but a shared folder."""

    def check(self) -> None:
        """Raise SpecError, one line, for options that do not fit together."""
        for option, engines in {"partition": "slurm", "time": "slurm", "address": "ray", "gpus": "slurm ray"}.items():
            if getattr(self, option) is not None and self.executor not in engines.split():
                raise SpecError(f"--{option} is for --executor {' or '.join(engines.split())}, not {self.executor}")
        if self.gpus is not None and self.gpus < 0:
            raise SpecError(f"--gpus must not be below 0, and is {self.gpus:g}")
        if self.executor == "slurm" and self.gpus is not None and self.gpus % 1:
            raise SpecError(f"--gpus {self.gpus:g}: SLURM gives whole GPUs; with --executor ray runs can share one")
        if self.executor == "slurm" and self.time is None:
            raise SpecError("--executor slurm needs --time, e.g. --time 4:00:00; a run that takes longer resumes")
        if self.time is not None:
            minutes_of(self.time)
        if self.shard is not None:
            part_of((), self.shard)

    @property
    def device(self) -> Literal["cpu", "cuda"]:
        """What runs use on another machine, which cannot be asked from here."""
        return "cuda" if self.gpus else "cpu"


def minutes_of(text: str) -> int:
    """Minutes, rounded up, of a time limit as sbatch writes it: M, M:S, H:M:S, D-H, D-H:M or D-H:M:S."""
    match = DURATION.fullmatch(text.strip())
    if match is None:
        raise SpecError(f"--time {text}: write minutes (90), H:M:S (4:00:00), or days and hours (1-12)")
    parts = [int(part) for part in match["clock"].split(":")]
    if match["days"] is not None:
        hours, minutes, seconds = (*parts, 0, 0)[:3]
    else:
        hours, minutes, seconds = {1: (0, *parts, 0), 2: (0, *parts), 3: tuple(parts)}[len(parts)]
    total = ((int(match["days"] or 0) * 24 + hours) * 60 + minutes) * 60 + seconds
    if total == 0:
        raise SpecError(f"--time {text}: must be above 0")
    return -(-total // 60)


def part_of(items: Sequence[Item], shard: str | None) -> list[Item]:
    """Shard I/N: every N-th item from the I-th on; all of them for None. The N shards are disjoint and everything."""
    if shard is None:
        return list(items)
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", shard.strip())
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise SpecError(f"--shard {shard}: write I/N with I from 1 to N, e.g. 1/4")
    return list(items[int(match[1]) - 1 :: int(match[2])])
