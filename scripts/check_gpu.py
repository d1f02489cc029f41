#!/usr/bin/env python3
"""Check on a GPU what cannot be checked without one, time training there, and write one page about it."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from experiments import temporary
from experiments.execution.interruption import end_on_interrupt


@dataclass
class Args:
    """Run every check on this machine's GPU, then the benchmark; takes about ten minutes.

    Writes OUT/gpu_check.json and OUT/gpu_check.md, which you can send to the maintainers. Exit status 0 if all checks
    passed, 1 if one failed, 2 without a usable GPU or on a mistake in the command.
    """

    out: Path = Path("runs")
    """Where the two files are written."""
    only: tuple[str, ...] = ()
    """Only these checks, e.g. --only recorded resumed; the page names all of them."""
    benchmark: bool = True
    """Also time the usual loop and ours (needs CIFAR-10, which is fetched)."""
    data_dir: Path | None = None
    """Where data sets are cached. Default: $ABLATION_DATA or the user's cache folder."""


def main(args: Args) -> int:
    from experiments.machine import device_for
    from experiments.spec import SpecError

    try:
        device = device_for("cuda")
    except SpecError as error:
        return refuse(error)
    from benchmarks.cuda import page
    from benchmarks.cuda.checks import CHECKS, carry_out
    from benchmarks.cuda.runs import Place
    from benchmarks.cuda.timing import Effort, measure
    from experiments.datasets import DataError
    from experiments.execution import environment
    from experiments.planning.plan import check_writable

    if unknown := sorted(set(args.only) - {check.name for check in CHECKS}):
        return refuse(f"no check is called {unknown[0]}; there are: {', '.join(check.name for check in CHECKS)}")
    try:
        check_writable(args.out)
        results, rows = [], []
        with tempfile.TemporaryDirectory() as folder:
            place = Place(device, Path(folder), args.data_dir)
            for check in CHECKS:
                if not args.only or check.name in args.only:
                    print(f"{check.name}: {check.question}", flush=True)
                    results.append(carry_out(check, place))
                    print(f"  {'passed' if results[-1].passed else 'FAILED'}: {results[-1].seen}", flush=True)
            if args.benchmark:
                for row in measure(place, Effort()):
                    rows.append(row)
                    print(
                        f"{row.net}, {row.setting}: {row.images_per_s:,.0f} images/s, {row.ratio:.2f} times the usual"
                    )
        paths = page.write(args.out, environment.describe(device), results, rows)
    except (SpecError, DataError) as error:
        return refuse(error)
    print("Written:", *(f"  {path}" for path in paths), sep="\n")
    return 0 if all(result.passed for result in results) else 1


def refuse(reason: object) -> int:
    print(f"check_gpu: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        args = tyro.cli(Args, description=Args.__doc__)
        temporary.use_own_folder()
        end_on_interrupt()
        sys.exit(main(args))
    except KeyboardInterrupt as interrupt:
        sys.exit(getattr(interrupt, "status", 130))
