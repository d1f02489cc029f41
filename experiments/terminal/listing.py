"""The table of all ablations. It is kept in the user's cache, so that printing it does not wait for torch."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.terminal.duration import duration

if TYPE_CHECKING:
    from rich.console import Console

PROFILES = ("smoke", "quick", "paper")


@dataclass(frozen=True)
class Entry:
    """One ablation: runs and, where they have been estimated, seconds by profile."""

    name: str
    question: str
    kind: str
    runs: Mapping[str, int]
    seconds: Mapping[str, float] = field(default_factory=dict)


def entries(estimate: Callable[[str], None] | None = None) -> list[Entry]:
    """All ablations, from the cache if it is of this version of the code; with the costs if they are in it.

    estimate: called with each ablation's name before its costs are estimated, which takes a minute in all; None: not.
    """
    kept = _read()
    if kept is None or (estimate and not all(entry.seconds for entry in kept)):
        kept = _declared(estimate)
        _write(kept)
    return kept


def cache_file() -> Path:
    """In $XDG_CACHE_HOME or ~/.cache: one file a machine and version of the code."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "convnet-ablations" / f"ablations-{platform.node()}-{_version()}.json"


def cost(entry: Entry, profile: str) -> str:
    """ "15 runs, 65 seconds", or the runs alone."""
    if profile not in entry.runs:
        return ""
    runs = entry.runs[profile]
    took = f", {duration(entry.seconds[profile])}" if profile in entry.seconds else ""
    return f"{runs} run{'s' * (runs != 1)}{took}"


def print_list(console: Console, found: list[Entry]) -> None:
    from rich.table import Table

    table = Table("ablation", "question", *PROFILES, box=None, header_style="dim", pad_edge=False)
    for entry in found:
        table.add_row(entry.name, entry.question, *(cost(entry, profile) for profile in PROFILES))
    console.print(table)
    if not any(entry.seconds for entry in found):
        console.print("What each would cost on this machine: --list --estimate, timed once.", highlight=False)


def _declared(estimate: Callable[[str], None] | None) -> list[Entry]:
    import torch

    from experiments import ablations
    from experiments.planning.forecast import forecast

    device = "cuda" if torch.cuda.is_available() else "cpu"
    found = []
    for name in ablations.names():
        ablation = ablations.load(name)
        runs = {p: len(ablation.variants_of(p)) * profile.seeds for p, profile in ablation.profiles.items()}
        seconds = {}
        if estimate:
            estimate(name)
            seconds = {profile: forecast(ablation, profile, device) for profile in ablation.profiles}
        found.append(Entry(name, ablation.question, ablation.kind, runs, seconds))
    return found


def _version() -> str:
    """Twelve hex digits over the code that decides what the table says."""
    root = Path(__file__).resolve().parents[2]
    digest = hashlib.blake2b(digest_size=6)
    for package in ("experiments", "nets"):
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _read() -> list[Entry] | None:
    try:
        return [Entry(**row) for row in json.loads(cache_file().read_text())]
    except (OSError, ValueError, TypeError):
        return None


def _write(found: list[Entry]) -> None:
    path = cache_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in path.parent.glob(f"ablations-{platform.node()}-*.json"):
            old.unlink()
        path.with_suffix(".part").write_text(json.dumps([asdict(entry) for entry in found]))
        path.with_suffix(".part").replace(path)
    except OSError:
        pass  # a cache that cannot be written costs time, nothing else
