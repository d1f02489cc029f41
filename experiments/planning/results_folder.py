"""Where a study's tables and figures go: a part of a profile, or a changed one, never over the whole."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from analysis.schema import ERROR
from experiments.ablation import Ablation, Overrides
from experiments.planning.job import Job

LONGEST = 120  # characters of a folder's name; file systems allow 255 bytes


def results_folder(
    ablation: Ablation, profile: str, overrides: Overrides, jobs: Sequence[Job], metric: str = ERROR.name
) -> Path:
    """out/ABLATION/results/PROFILE for the profile as it is declared, on any device, with as many seeds or more.

    Else what is different joins the name: smoke-variants_original+full_preact, smoke-seeds_0-1, quick-epochs_2,
    smoke-seeds_auto for seeds added in rounds, smoke-ece for another metric than the error.
    """
    parts = [profile]
    ran = {job.variant for job in jobs}
    declared = [variant.name for variant in ablation.variants_of(profile)]
    if set(declared) - ran:
        parts.append("variants_" + "+".join(name for name in declared if name in ran))
    seeds = sorted({job.spec.seed for job in jobs})
    if jobs[0].context["ablation"].get("looks"):
        parts.append("seeds_auto")
    elif set(range(ablation.profiles[profile].seeds)) - set(seeds):
        parts.append(f"seeds_{_ranges(seeds)}")
    for field in dataclasses.fields(overrides):
        value = getattr(overrides, field.name)
        if field.name not in ("variants", "device") and value != field.default and value:
            parts.append(f"{field.name}_{_word(value)}")
    parts += [metric] if metric != ERROR.name else []
    name = "-".join(parts)
    if len(name) > LONGEST:
        name = f"{name[: LONGEST - 9]}-{hashlib.blake2b(name.encode(), digest_size=4).hexdigest()}"
    return jobs[0].out / ablation.name / "results" / name


def last_table(folder: Path) -> Path:
    """The table that was written last in a folder of results."""
    return max(folder.glob("*/table.md"), key=lambda path: path.stat().st_mtime, default=folder / "table.md")


def _ranges(seeds: Iterable[int]) -> str:
    """0-2+5 for 0, 1, 2 and 5."""
    spans: list[list[int]] = []
    for seed in seeds:
        if spans and seed == spans[-1][-1] + 1:
            spans[-1].append(seed)
        else:
            spans.append([seed])
    return "+".join(f"{span[0]}-{span[-1]}" if len(span) > 1 else f"{span[0]}" for span in spans)


def _word(value: Any) -> str:
    """A value in letters that every file system takes."""
    if isinstance(value, tuple):
        value = ",".join(value)
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return re.sub(r"[^\w.=,+-]+", "_", text).strip("_")
