"""The W&B side of a run: opened with everything the analysis needs, one row an epoch, closed with its outcome."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from experiments.planning.job import Mode

METRICS = (
    "train/*",
    "test/*",
    "optim/*",
    "time/*",
    "signal/*",
)  # all drawn against `epoch`, never against W&B's own step


class TrackingError(Exception):
    """W&B cannot start: one line that says why and what to do."""


class Tracker:
    """One W&B run. Use as a context: leaving it without `finish` closes the log as failed.

    A run is resumed by opening another log under the same id; readers merge the two, the newest row of an epoch
    wins. If W&B's own process dies, training goes on and one line says so; the rows stay in the checkpoint.
    """

    def __init__(
        self, folder: Path, mode: Mode, *, project: str, group: str, job_type: str, name: str, run_id: str,
        tags: tuple[str, ...], config: dict[str, Any], silent: bool = True,
    ) -> None:  # fmt: skip
        import wandb

        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        self.name, self.lost, self.finished = name, False, False
        try:
            self.run = wandb.init(
                project=project, group=group, job_type=job_type, name=name, id=run_id, tags=tags, config=config,
                dir=str(folder), mode=mode, reinit="create_new", resume="allow" if mode == "online" else None,
                settings=wandb.Settings(
                    silent=silent, console="off", x_transaction_log_flush_interval=1.0,
                    x_disable_stats=mode == "offline",
                ),
            )  # fmt: skip
        except (wandb.errors.Error, OSError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
            raise TrackingError(f"W&B could not open a run ({mode}): {reason}; or use --wandb offline") from None
        self.run.define_metric("epoch")
        for pattern in METRICS:
            self.run.define_metric(pattern, step_metric="epoch")

    def log(self, row: dict[str, float]) -> None:
        self._send(lambda: self.run.log(row))

    def finish(self, outcome: str, summary: dict[str, float]) -> bool:
        """Write the outcome and close the log; it is on disk on return. False if W&B's process was lost."""
        self._send(lambda: self.run.summary.update({**summary, "outcome": outcome}))
        self._close(exit_code=0)
        return not self.lost

    def _close(self, exit_code: int) -> None:
        import wandb

        self.finished = True
        self._send(lambda: self.run.finish(exit_code=exit_code))
        # finish() comes back up to some 30 ms before the last records are on disk; the end of W&B's process does not.
        self._send(lambda: wandb.teardown(exit_code))

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, *error: object) -> None:
        if not self.finished:
            self._close(exit_code=1)

    def _send(self, action: Any) -> None:
        if self.lost:
            return
        try:
            action()
        except (ConnectionError, BrokenPipeError) as error:
            self.lost = True
            print(f"{self.name}: W&B stopped answering ({type(error).__name__}); training goes on", file=sys.stderr)
