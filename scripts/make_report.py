#!/usr/bin/env python3
"""Make an ablation's report, tables and figures again, from its W&B logs alone; or from anyone's W&B logs."""

from __future__ import annotations

import importlib.util
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from experiments import temporary

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from analysis.schema import Thumbnail

MAPPED = ("variant", "seed", "as_", "baseline", "train_metric")  # options that only logs of others need


@dataclass
class Args:
    """Write an ablation's report (one HTML file that opens without a network), tables and figures from W&B logs.

    Logs that this program did not write need to be told what they mean: see docs/logs.md, and begin with --describe.
    """

    name: Annotated[str | None, tyro.conf.Positional] = None
    """The ablation, e.g. resnet_preact, or your own file that declares it; for logs of others, the report's title."""
    all: bool = False
    """A report for every study that the logs hold, and index.html and index.md with the verdicts of all of them."""
    source: str = "runs"
    """The folder that holds .wandb files at any depth, entity/project on a W&B server, or a project page's address."""
    profile: str | None = None
    """Only the runs of this profile. Needed where the logs hold several."""
    where: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Only runs for which KEY=VALUE holds, e.g. profile=paper, config.lr=0.1, name='resnet*'. May be repeated."""
    exclude: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """No runs for which KEY=VALUE holds. May be repeated."""
    metric: str | None = None
    """What is compared: error (the default), or another metric that the runs logged: top5_error, ece, ..."""
    margin: float | None = None
    """Differences below it do not matter, e.g. 0.5 percentage points: such a variant is equivalent to the baseline.
    Default: the paper's difference."""
    out: Path | None = None
    """Where to write. Default: reports/NAME/PROFILE, and -METRIC for another metric than the error; with --all:
    reports."""
    columns: tuple[str, ...] = ()
    """The columns of table.tex by their headings, e.g. --columns variant paper ours gap n. Default: five of them."""
    follow: bool = False
    """Make the report again whenever the logs have changed, until every run has ended or Ctrl-C."""
    every: float = 30.0
    """Seconds between two looks with --follow."""
    describe: bool = False
    """Only list what the logs hold: config keys, metrics with their ranges, groups, seeds."""
    mapping: Path | None = None
    """A TOML file with the options below (variant = "config.model", ...), for logs of others."""
    variant: str | None = None
    """What tells the variants apart: config.KEY, group, job_type, or name:REGEX with the variant as first group."""
    seed: str | None = None
    """Where the seed is: config.KEY or name:REGEX; order numbers the runs of a variant by their start."""
    as_: Annotated[str | None, tyro.conf.arg(name="as")] = None
    """What the metric is: accuracy-fraction, accuracy-percent, error-percent or loss."""
    step: str | None = None
    """The logged key that counts the epochs (default: epoch); _step is W&B's count of log calls."""
    baseline: str | None = None
    """The variant that the others are compared with."""
    train_metric: str | None = None
    """The same metric of the training set, for the curves."""


def main(args: Args) -> int:
    from rich.console import Console

    from analysis import logs
    from analysis.study import TableError
    from experiments.spec import SpecError

    console = Console()
    if not console.is_terminal:
        console = Console(width=110)
    if args.margin is not None and not 0 < args.margin < math.inf:
        return refuse(f"--margin must be above 0, not {args.margin:g}")
    try:
        if args.describe:
            return describe(console, args)
        if args.all:
            return every(console, args)
        return follow(console, args) if args.follow else report(console, args)[0]
    except (logs.LogsError, TableError, SpecError) as error:
        return refuse(error)
    except OSError as error:
        return refuse(f"cannot write {error.filename or args.out}: {error.strerror}; name another folder with --out")


def describe(console: Console, args: Args) -> int:
    from analysis import logs
    from analysis.logs.describe import describe
    from analysis.logs.select import select
    from analysis.study.values import printable

    step = args.step or "epoch"
    runs, history = logs.load(args.source, profile=args.profile, step=step)
    for line in describe(*select(runs, history, args.where, args.exclude), step):
        console.print(printable(line), highlight=False, markup=False, soft_wrap=True)
    return 0


def every(console: Console, args: Args) -> int:
    """Every study and the index; status 2 where one can have no table, after all others are written."""
    from analysis.write_all import write_all

    given = {
        "a name": args.name,
        "--follow": args.follow,
        "--metric": args.metric,
        "--margin": args.margin,
        "--columns": args.columns,
    }
    given |= {f"--{key.rstrip('_')}": getattr(args, key) for key in (*MAPPED, "mapping", "where", "exclude")}
    if wrong := [option for option, value in given.items() if value]:
        return refuse(f"--all takes no {wrong[0].removeprefix('a ')}: it would not suit every study; name one")
    refused = write_all(console, args.source, args.out or Path("reports"), args.profile)
    return max([0, *map(refuse, refused)])


def name_of(ablation: str) -> str:
    """The name of an ablation; a file of the user's own is read for it. Raises SpecError, one line."""
    if not ablation.endswith(".py"):
        return ablation
    from experiments import ablations  # and PyTorch, which logs alone do not need

    return ablations.load(ablation).name


def report(console: Console, args: Args) -> tuple[int, pd.DataFrame]:
    """Write the report; its exit status and the runs that it is of."""
    from analysis import write
    from analysis.output import safe_text

    runs, history, name, metric = frames(args)
    profiles = sorted({profile for profile in runs["profile"] if profile})
    if len(profiles) > 1:
        choices = ", ".join(profiles)
        return refuse(f"{args.source} holds several profiles; choose one with --profile: {choices}"), runs
    suffix = "" if metric == "error" else f"-{safe_text.folder(metric)}"
    parts = [safe_text.folder(name), *(f"{safe_text.folder(profile)}{suffix}" for profile in profiles)]
    folder = args.out or Path("reports", *parts)
    written = write.conclude(console, runs, history, folder, metric, args.columns, args.margin, pictures)
    console.print(
        "Written:", *(f"  {path}" for path in written), sep="\n", highlight=False, markup=False, soft_wrap=True
    )
    return 0, runs


def pictures(dataset: str, places: Sequence[int]) -> Mapping[int, Thumbnail]:
    """Of test images, where PyTorch is installed and the data set is in the cache; a report does without them."""
    if importlib.util.find_spec("torch") is None:
        return {}
    from experiments.data.thumbnails import thumbnails
    from experiments.datasets import DataError

    try:
        return thumbnails(dataset, places)
    except DataError as error:
        print(f"make_report: no pictures of test images: {error}", file=sys.stderr)
        return {}


def frames(args: Args) -> tuple[pd.DataFrame, pd.DataFrame, str, str]:
    """The runs, their history, the report's name, and the metric that is compared."""
    from analysis import logs
    from analysis.logs.mapping import LogMapping, mapped, read_options
    from analysis.logs.select import select

    options = {key: getattr(args, key) for key in MAPPED if getattr(args, key) is not None}
    if not options and args.mapping is None:
        if args.name is None:
            raise logs.LogsError("name the ablation; for logs of others, see --describe and docs/logs.md")
        name = name_of(args.name)
        runs, history = logs.load(args.source, args.profile, ablation=name, step=args.step or "epoch")
        return *select(runs, history, args.where, args.exclude), name, args.metric or "error"
    told = read_options(args.mapping) if args.mapping else {}
    where, exclude = (as_list(told.pop(key, ())) for key in ("where", "exclude"))
    told |= options | ({"metric": args.metric} if args.metric else {})
    told |= {"step": args.step} if args.step else {}
    mapping = LogMapping.from_options(told)
    runs, history = logs.load(args.source, args.profile, step=mapping.step)
    runs, history = select(runs, history, (*where, *args.where), (*exclude, *args.exclude))
    name = args.name or runs["ablation"].iloc[0] or "runs"
    return *mapped(runs, history, mapping, name), name, mapping.name_of_metric


def follow(console: Console, args: Args) -> int:
    """Report again and again; what cannot be read yet is said and tried again."""
    from analysis import logs
    from analysis.study import TableError

    status = 0
    try:
        while True:
            try:
                status, runs = report(console, args)
                running = int((runs["outcome"] == "unfinished").sum())
                if status or not running:
                    return status
                console.print(f"{running} unfinished; the next look is in {args.every:g} s, Ctrl-C ends it.")
            except (logs.LogsError, TableError) as error:
                console.print(f"{error}; the next look is in {args.every:g} s, Ctrl-C ends it.", markup=False)
            time.sleep(max(0.1, args.every))
    except KeyboardInterrupt:
        return status


def as_list(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]


def refuse(reason: object) -> int:
    print(f"make_report: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    args = tyro.cli(Args, description=Args.__doc__)
    temporary.use_own_folder()
    sys.exit(main(args))
