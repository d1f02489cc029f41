"""The results as one JSON file and one Markdown page that a user can send."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.cuda.checks import Result
from benchmarks.cuda.timing import Row

NAME = "gpu_check"


def write(folder: Path, env: Mapping[str, Any], results: Sequence[Result], rows: Sequence[Row]) -> list[Path]:
    """gpu_check.json and gpu_check.md in `folder`. Raises OSError where they cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    tree = {
        "env": dict(env),
        "checks": [asdict(result) for result in results],
        "benchmark": [{**asdict(row), "ratio": row.ratio} for row in rows],
    }
    paths = [folder / f"{NAME}.json", folder / f"{NAME}.md"]
    paths[0].write_text(json.dumps(tree, indent=2) + "\n")
    paths[1].write_text(page(env, results, rows))
    return paths


def page(env: Mapping[str, Any], results: Sequence[Result], rows: Sequence[Row]) -> str:
    failed = [result for result in results if not result.passed]
    verdict = f"{len(results) - len(failed)} of {len(results)} checks passed"
    versions = ", ".join(f"{name} {version}" for name, version in env["packages"].items())
    commit = f"{env['commit']}{' with changes' if env['dirty'] else ''}"
    about = [
        f"# Check of a GPU: {verdict}",
        "",
        f"{env['device']}; {env['platform']}; Python {env['python']}; {versions}",
    ]
    about += [f"Commit {commit}.", ""]
    checks = [
        [result.name, result.question, "passed" if result.passed else "FAILED", f"{result.seconds:.0f}", result.seen]
        for result in results
    ]
    lines = [*about, *table(("check", "question", "result", "seconds", "what was seen"), checks)]
    if rows:
        lines += ["", "Batches of CIFAR-10; peak and bandwidth as this device reaches them in one large operation.", ""]
        headings = ("net", "training", "images/s", "times the usual loop", "ms per step", "kernels per step")
        lines += table((*headings, "share of bf16 peak", "share of bandwidth"), [_cells(row) for row in rows])
    for result in failed:
        if result.trace:
            lines += ["", f"## {result.name}", "", "```", result.trace.rstrip(), "```"]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> list[str]:
    count = "" if row.kernels is None else str(row.kernels)
    shares = (f"{row.flop_share:.1%}", f"{row.byte_share:.1%}")
    return [row.net, row.setting, f"{row.images_per_s:,.0f}", f"{row.ratio:.2f}", f"{row.step_ms:.2f}", count, *shares]


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return ["| " + " | ".join(row) + " |" for row in (headings, ["---"] * len(headings), *cells)]
