"""What the commands share: parsing, and one line and status 2 for bad input."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import tyro

from experiments.data import DataError
from experiments.spec import SpecError

Args = TypeVar("Args")


class UsageError(ValueError):
    """One line that says what is wrong with the command and what would be right."""


def run(args: type[Args], main: Callable[[Args], None]) -> None:
    """Parse the command line as `args`, call `main`, and exit with status 2 and one line if its input is wrong."""
    name = Path(sys.argv[0]).stem
    parsed = tyro.cli(args, prog=f"python -m benchmarks.{name}", description=args.__doc__)
    try:
        main(parsed)
    except (UsageError, SpecError, DataError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(2)


def check_positive(args: Any, *names: str) -> None:
    for name in names:
        if (value := getattr(args, name)) is not None and value <= 0:
            raise UsageError(f"--{name.replace('_', '-')} must be above 0, not {value}")
