"""The console of the command lines: as wide as fits its reader, and lasting longer than it."""

from __future__ import annotations

import os
import sys

from rich.console import Console

FILE_WIDTH = 110  # rich takes a log file for 80 columns


class LastingConsole(Console):
    """A console whose reader may leave, as in `run_ablation.py ... | head`: the command continues without it."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print("nothing reads the output any more; the command continues and writes its files", file=sys.stderr)


def make_console() -> Console:
    console = LastingConsole()
    return console if console.is_terminal else LastingConsole(width=FILE_WIDTH)
