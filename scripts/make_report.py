#!/usr/bin/env python3
"""Make an ablation's report, tables and figures again, from its W&B logs alone."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


@dataclass
class Args:
    """Write an ablation's report (one HTML file that opens without a network), tables and figures from W&B logs."""

    name: Annotated[str, tyro.conf.Positional]
    """The ablation, e.g. resnet_preact, or the file of your own that declares it: path/to/mine.py."""
    source: str = "runs"
    """The folder that holds its .wandb files at any depth, or entity/project on a W&B server."""
    profile: str | None = None
    """Only the runs of this profile. Needed where the logs hold several."""
    metric: str = "error"
    """What is compared: error, or another metric that the runs logged: top5_error, balanced_error, ece, ..."""
    out: Path | None = None
    """Where to write. Default: reports/NAME/PROFILE, and -METRIC for another metric than the error."""


def main(args: Args) -> int:
    from rich.console import Console

    from analysis import logs, write
    from analysis.study import TableError
    from experiments.spec import SpecError

    console = Console()
    if not console.is_terminal:
        console = Console(width=110)
    try:
        name = name_of(args.name)
        runs, history = logs.load(args.source, profile=args.profile, ablation=name)
        profiles = sorted({name for name in runs["profile"] if name})
        if len(profiles) > 1:
            return refuse(f"{args.source} holds several profiles; choose one with --profile: {', '.join(profiles)}")
        suffix = "" if args.metric == "error" else f"-{args.metric}"
        folder = args.out or Path("reports", name, *(f"{name}{suffix}" for name in profiles))
        written = write.conclude(console, runs, history, folder, args.metric)
    except (logs.LogsError, TableError, SpecError) as error:
        return refuse(error)
    except OSError as error:
        return refuse(f"cannot write {error.filename or args.out}: {error.strerror}; name another folder with --out")
    console.print("Written:", *(f"  {path}" for path in written), sep="\n", highlight=False, soft_wrap=True)
    return 0


def name_of(ablation: str) -> str:
    """The name of an ablation; a file of the user's own is read for it. Raises SpecError, one line."""
    if not ablation.endswith(".py"):
        return ablation
    from experiments import ablations  # and PyTorch, which logs alone do not need

    return ablations.load(ablation).name


def refuse(reason: object) -> int:
    print(f"make_report: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Args, description=Args.__doc__)))
