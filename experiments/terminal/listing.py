"""The table of ablations: their questions, the runs of each profile, and how long they would take."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments import ablations
from experiments.ablation import Ablation
from experiments.terminal.duration import duration

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Entry:
    """One ablation: runs and, where they were estimated, seconds by profile."""

    name: str
    question: str
    runs: Mapping[str, int]
    seconds: Mapping[str, float]


def entry_of(ablation: Ablation, seconds: Callable[[Ablation, str], float] | None = None) -> Entry:
    """seconds: estimates the duration of a profile, which imports PyTorch and times it; None: no estimates."""
    runs = {name: len(ablation.variants_of(name)) * profile.seeds for name, profile in ablation.profiles.items()}
    took = {name: seconds(ablation, name) for name in runs} if seconds else {}
    return Entry(ablation.name, ablation.question, runs, took)


def timed_seconds(ablation: Ablation, profile: str) -> float:
    """How long a profile would take on this machine, timed now; says on stderr what is being timed."""
    from experiments import machine
    from experiments.planning.estimate import profile_seconds

    print(f"timing {ablation.name}, profile {profile}", file=sys.stderr)
    return profile_seconds(ablation, profile, machine.device_for(None))


def cost(entry: Entry, profile: str) -> str:
    """For example "15 runs, 65 seconds", or the runs alone; empty for a profile that the ablation lacks."""
    if profile not in entry.runs:
        return ""
    runs = entry.runs[profile]
    took = f", {duration(entry.seconds[profile])}" if profile in entry.seconds else ""
    return f"{runs} run{'s' * (runs != 1)}{took}"


def print_list(console: Console, name: str | None = None, estimate: bool = False) -> None:
    """One row per ablation, one column per profile; of the ablation or the file `name` alone, else of all.

    estimate: also time how long each profile would take on this machine. Raises SpecError or DataError.
    """
    from rich.table import Table

    found = [ablations.load(name)] if name else [ablations.declared(name) for name in ablations.names()]
    entries = [entry_of(ablation, timed_seconds if estimate else None) for ablation in found]
    profiles = dict.fromkeys(profile for entry in entries for profile in entry.runs)
    table = Table("ablation", "question", *profiles, box=None, header_style="dim", pad_edge=False)
    for entry in entries:
        table.add_row(entry.name, entry.question, *(cost(entry, profile) for profile in profiles))
    console.print(table)
    if not estimate:
        console.print("--list --estimate also times how long each would take on this machine.", highlight=False)
