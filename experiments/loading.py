"""How images reach a run: all in memory, or read while it trains. It changes no result, so it is in no spec."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

STREAM_ABOVE = 0.5  # of the machine's memory, and of the device's own


@dataclass(frozen=True)
class Loading:
    """How your own images are read."""

    stream: Literal["auto", "always", "never"] = "auto"
    """Read your own images while runs train, instead of keeping them in memory; results do not depend on it. auto: if
    they need more than half of the machine's memory or of the GPU's."""
    loader_workers: int | Literal["auto"] = "auto"
    """Processes that read images, per run; 0: the run's own. auto: the cores that training leaves."""

    @property
    def workers(self) -> int:
        return 0 if self.loader_workers == "auto" else self.loader_workers

    def settled(self, device: str, threads: int, cores: int, runs: int) -> Loading:
        """With a number of workers, for one of `runs` in parallel."""
        if self.loader_workers != "auto":
            return self
        return replace(self, loader_workers=workers_for(device, threads, cores, runs))


AS_FITS = Loading()


def workers_for(device: str, threads: int, cores: int, runs: int) -> int:
    """The share of the cores that one run's training leaves; at least one beside a GPU.

    A run on the CPU keeps its `threads` cores, one on a GPU one core.
    """
    own = threads if device == "cpu" else 1
    return max(0 if device == "cpu" else 1, cores // runs - own)
