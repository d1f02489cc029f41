"""Whether a run's W&B log is as complete as its checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.logs.wandb_file import read
from experiments.training.session import Row


def log_is_whole(files: Sequence[Path], rows: Sequence[Row]) -> bool:
    """Whether the log files of a run, read back, state its outcome, its end, and every epoch of `rows`.

    Rows count from any file; the outcome and the exit record must be in one.
    """
    missing, ended = {int(row["epoch"]) for row in rows}, False
    for path in reversed(files):  # the newest usually has it all
        fragment = read(path)
        missing -= {int(epoch) for epoch in fragment.epochs["epoch"]}
        ended = ended or (fragment.exit_code == 0 and "outcome" in fragment.summary)
        if ended and not missing:
            return True
    return False
