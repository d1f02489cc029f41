"""A command that `torchrun` starts several times: process 0 carries it out, the others train its runs with it.

Does not import PyTorch where there is one process.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext

from experiments import torchrun


def follow_if_told() -> None:
    """Process 0 returns at once; every other one trains with it, and ends with it."""
    if torchrun.rank() > 0:
        from experiments.execution.follow import follow

        sys.exit(follow())


def leading() -> AbstractContextManager[None]:
    """What process 0 does within it, the others can be asked to take part in."""
    if torchrun.count() == 1:
        return nullcontext()
    from experiments.training import group

    return group.joined()
