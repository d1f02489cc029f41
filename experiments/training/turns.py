"""Several runs in one process: each goes on until it passes its turn to the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import torch
from greenlet import getcurrent, greenlet


class Turns:
    """Runs as functions that call `turn` where others may come between, as `Control.turn` does after each step.

    On a CUDA device each has a stream of its own: the device works on all of them while this process, which never
    waits for one, hands out the next step of the next run.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        self.runs: deque[greenlet] = deque()
        self.loop = getcurrent()

    def __len__(self) -> int:
        return len(self.runs)

    def add(self, run: Callable[[], None]) -> None:
        """Begin `run` at its next turn. What it raises is raised by `take`."""
        self.runs.append(greenlet(lambda: self._on_own_stream(run), self.loop))

    def take(self) -> None:
        """Give each run one turn, in the order in which they were added."""
        for _ in range(len(self.runs)):
            self.runs[0].switch()
            if self.runs[0].dead:
                self.runs.popleft()
            else:
                self.runs.rotate(-1)

    def turn(self) -> None:
        """Called by a run: the others take their turns."""
        stream = torch.cuda.current_stream() if self.device == "cuda" else None
        self.loop.switch()
        if stream is not None:
            torch.cuda.set_stream(stream)

    def _on_own_stream(self, run: Callable[[], None]) -> None:
        if self.device == "cuda":
            torch.cuda.set_stream(torch.cuda.Stream())
        run()
        if self.device == "cuda":
            torch.cuda.current_stream().synchronize()  # what it has allocated may now serve others
            torch.cuda.set_stream(torch.cuda.default_stream())
