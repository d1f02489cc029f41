#!/usr/bin/env python3
"""Compare two studies of one ablation: two folders, two recipes, two commits."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


@dataclass
class Args:
    """Compare two studies of one ablation, paired by variant and seed, and say what differs between them.

    Prints Markdown and writes one HTML page that opens without a network.
    """

    a: Annotated[str, tyro.conf.Positional]
    """The first study: a folder with its .wandb files at any depth, or entity/project on a W&B server."""
    b: Annotated[str, tyro.conf.Positional]
    """The second study, likewise; differences are B - A."""
    ablation: str | None = None
    """The ablation, e.g. resnet_preact. Needed where a folder holds several."""
    profile: str | None = None
    """Only the runs of this profile. Needed where a folder holds several."""
    metric: str = "error"
    """What is compared: error, or another metric that the runs logged: top5_error, ece, ..."""
    out: Path | None = None
    """Where to write. Default: comparisons/ABLATION, and -METRIC for another metric than the error."""


def main(args: Args) -> int:
    from analysis import logs
    from analysis.output import comparison as output
    from analysis.results.comparison import compare
    from analysis.study import Study, TableError

    if Path(args.a).exists() and Path(args.b).exists() and Path(args.a).samefile(args.b):
        return refuse(f"A and B are both {args.a}; give two different folders")
    names = (args.a, args.b)
    try:
        studies = []
        for name in names:
            runs, history = logs.load(name, profile=args.profile, ablation=args.ablation)
            for column in ("ablation", "profile"):
                found = sorted({value for value in runs[column] if value})
                if len(found) > 1:
                    return refuse(f"{name} holds several {column}s; choose one with --{column}: {', '.join(found)}")
            studies.append(Study.from_frames(runs, history, args.metric))
        comparison = compare(*studies)
        suffix = "" if args.metric == "error" else f"-{args.metric}"
        folder = args.out or Path("comparisons", f"{comparison.a.declared.name}{suffix}")
        written = output.write(comparison, names, folder)
    except (logs.LogsError, TableError) as error:
        return refuse(error)
    except OSError as error:
        return refuse(f"cannot write {error.filename or args.out}: {error.strerror}; choose another folder with --out")
    print(output.markdown_text(comparison, names))
    print("Written:", *(f"  {path}" for path in written), sep="\n")
    return 0


def refuse(reason: object) -> int:
    print(f"compare_studies: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Args, description=Args.__doc__)))
