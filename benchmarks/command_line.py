"""What the commands share: parsing, one line and status 2 for bad input, and the choice of a device."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
import tyro

from experiments.data import DataError

Device = Literal["cpu", "cuda"]
Args = TypeVar("Args")


class UsageError(ValueError):
    """One line that says what is wrong with the command and what would be right."""


def run(args: type[Args], main: Callable[[Args], None]) -> None:
    """Parse the command line as `args`, call `main`, and exit with status 2 and one line if its input is wrong."""
    name = Path(sys.argv[0]).stem
    parsed = tyro.cli(args, prog=f"python -m benchmarks.{name}", description=args.__doc__)
    try:
        main(parsed)
    except (UsageError, DataError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(2)


def check_positive(args: Any, *names: str) -> None:
    for name in names:
        if (value := getattr(args, name)) is not None and value <= 0:
            raise UsageError(f"--{name.replace('_', '-')} must be above 0, not {value}")


def device_for(wanted: Device | None) -> Device:
    """The device that was asked for; without one, cuda where PyTorch finds it."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: PyTorch finds no CUDA device here; leave --device out to time the CPU")
    return wanted or ("cuda" if torch.cuda.is_available() else "cpu")
