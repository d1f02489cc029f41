"""What PyTorch keeps once per process, where several runs share one: settings and random streams."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from experiments.seeding import global_streams, restore_streams
from experiments.spec import RunSpec
from experiments.training import memory
from experiments.training.process import prepare_process


class ProcessState:
    """A run's own settings and random streams. `take` puts them in place of those of the run that had its turn before.

    A run takes them before whatever its Python code computes. Recorded steps need none of it: a CUDA graph has its
    settings in its kernels, and draws from the generator state with which it was recorded, which is the run's own.
    """

    current: ClassVar[ProcessState | None] = None

    def __init__(self, spec: RunSpec) -> None:
        self.spec = spec
        self.streams: dict[str, Any] | None = None
        self.on_gpu: torch.Generator | None = None
        self.refused = self.refused_before = 0

    def take(self) -> None:
        before = ProcessState.current
        if before is self:
            return
        if before is not None:
            before._leave()
        prepare_process(self.spec)
        if before is not None or self.streams is not None:
            self._return()
        ProcessState.current = self
        self.refused_before = memory.refusals(self.spec.device)

    def check_refusals(self) -> None:
        """Raise torch.OutOfMemoryError if the device has refused memory in a turn of this run."""
        memory.check_refusals(self.spec.device, self.refused_before - self.refused)

    def give_up(self) -> None:
        """At the run's end: nothing of it is kept."""
        if ProcessState.current is self:
            ProcessState.current = None

    def _leave(self) -> None:
        self.refused += memory.refusals(self.spec.device) - self.refused_before
        self.streams = global_streams("cpu" if self.spec.device == "cuda" else self.spec.device)
        if self.spec.device == "cuda":
            self.on_gpu = _default_generator().graphsafe_get_state()

    def _return(self) -> None:
        """To the streams that the run left, or, on a CUDA device, to a generator state that no other run has."""
        if self.streams is not None:
            restore_streams(self.streams)
        if self.spec.device == "cuda":
            _default_generator().graphsafe_set_state(self.on_gpu or torch.Generator("cuda"))


def _default_generator() -> torch.Generator:
    return torch.cuda.default_generators[torch.cuda.current_device()]
