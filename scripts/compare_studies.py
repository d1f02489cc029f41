#!/usr/bin/env python3
"""Compare two studies of one ablation: two folders, two recipes, two commits."""

from __future__ import annotations

import signal
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
    where_a: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Only the runs of A for which KEY=VALUE holds, e.g. recipe.learning_rate=0.1. May be repeated."""
    where_b: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Likewise for B."""
    metric: str = "error"
    """What is compared: error, or another metric that the runs logged: top5_error, ece, ..."""
    out: Path | None = None
    """Where to write. Default: comparisons/ABLATION, and -METRIC for another metric than the error."""


def main(args: Args) -> int:
    from analysis import logs
    from analysis.logs.select import select
    from analysis.output import comparison as output
    from analysis.output import safe_text
    from analysis.results.comparison import compare
    from analysis.study import Study, TableError

    same = Path(args.a).exists() and Path(args.b).exists() and Path(args.a).samefile(args.b)
    if same and args.where_a == args.where_b:
        return refuse(f"A and B are both {args.a}; give two different folders, or --where-a and --where-b")
    conditions = (args.where_a, args.where_b)
    names = [" and ".join((name, *where)) for name, where in zip((args.a, args.b), conditions, strict=True)]
    try:
        studies = []
        for name, where in zip((args.a, args.b), conditions, strict=True):
            runs, history = select(*logs.load(name, profile=args.profile, ablation=args.ablation), where)
            for column in ("ablation", "profile"):
                found = sorted({value for value in runs[column] if value})
                if len(found) > 1:
                    return refuse(f"{name} holds several {column}s; choose one with --{column}: {', '.join(found)}")
            studies.append(Study.from_frames(runs, history, args.metric))
        comparison = compare(studies[0], studies[1])
        suffix = "" if args.metric == "error" else f"-{args.metric}"
        folder = args.out or Path("comparisons", safe_text.folder(f"{comparison.a.declared.name}{suffix}"))
        written = output.write(comparison, (names[0], names[1]), folder)
    except (logs.LogsError, TableError) as error:
        return refuse(error)
    except OSError as error:
        return refuse(f"cannot write {error.filename or args.out}: {error.strerror}; choose another folder with --out")
    print(output.markdown_text(comparison, (names[0], names[1])))
    print("Written:", *(f"  {path}" for path in written), sep="\n")
    return 0


def refuse(reason: object) -> int:
    print(f"compare_studies: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` has read what it wants: end quietly
    sys.exit(main(tyro.cli(Args, description=Args.__doc__)))
