"""What a process must set before it computes for a run, whether it trains, times or tries."""

from __future__ import annotations

from experiments.seeding import make_deterministic
from experiments.spec import RunSpec
from experiments.training.memory import keep_memory
from experiments.training.precision import set_tf32


def prepare_process(spec: RunSpec) -> None:
    """Deterministic algorithms and TF32 as the spec says, for all that follows in this process; freed memory kept."""
    make_deterministic(spec.deterministic)
    keep_memory()
    set_tf32(spec)
