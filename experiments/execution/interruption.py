"""SIGINT, SIGTERM, SIGHUP and SIGUSR2: runs finish their step and write a checkpoint; a second Ctrl-C stops at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from experiments.stop_signals import SIGNALS, blocked

__all__ = ["SIGNALS", "Interrupted", "Stop", "blocked", "end_on_interrupt", "graceful", "leave_at_once"]

WINDOWS = (
    "On Windows only Ctrl-C stops a run with a checkpoint; a run that is ended otherwise resumes from its last one."
)
ONE_KEYSTROKE_S = 0.3  # `timeout` and some terminals send the same signal twice
SHOW_CURSOR = "\x1b[?25h"


class Interrupted(KeyboardInterrupt):
    """All runs have stopped at a signal, each with a checkpoint. status: the command's own, 128 + signal."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.status = 128 + number


class Stop:
    """Whether runs are to stop, and the signal that said so."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.since = 0.0
        self.actions: list[Callable[[], None]] = []

    def __call__(self) -> bool:
        return self.number is not None

    def request(self, number: int = signal.SIGTERM) -> None:
        self.number, self.since = number, time.monotonic()
        for action in self.actions:
            action()

    def raise_if_requested(self) -> None:
        if self.number is not None:
            raise Interrupted(self.number)


@contextmanager
def graceful() -> Generator[Stop]:
    """Within it a signal requests a stop instead of ending the process; at its end Interrupted is raised if one came.

    Outside the main thread, where Python allows no handlers, signals stay as they are.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(number: int, frame: object) -> None:
        if not stop():
            os.write(2, b"\nstopping: each run finishes its step and writes a checkpoint; Ctrl-C again stops at once\n")
            stop.request(number)
        elif number == signal.SIGINT and time.monotonic() - stop.since > ONE_KEYSTROKE_S:
            leave_at_once(number)

    heeded = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]  # `nohup` has one ignored
    before = {number: signal.signal(number, handle) for number in heeded}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    stop.raise_if_requested()


def end_on_interrupt() -> None:
    """Until runs train, Ctrl-C ends the command at once: an import that catches the exception would lose it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda number, frame: leave_at_once(number))


def leave_at_once(number: int) -> None:
    os.write(2, b"\ninterrupted; run the same command again to resume\n")
    for child in multiprocessing.active_children():
        child.kill()
    if sys.stdout.isatty():
        os.write(1, SHOW_CURSOR.encode())  # a live display has hidden it
    os._exit(128 + number)
