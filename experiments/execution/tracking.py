"""The W&B side of a run: opened with everything the analysis needs, one row per epoch, closed with its outcome."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from analysis.logs import wandb_file
from analysis.schema import LOGGED_SIGNAL, logged_as
from experiments.execution.wandb_check import UnavailableError, check
from experiments.execution.wandb_environment import TrackingError, first_line
from experiments.execution.wandb_files import acknowledged
from experiments.execution.wandb_page import Page
from experiments.planning.job import Mode

METRICS = ("train/*", "test/*", "optim/*", "time/*", f"{LOGGED_SIGNAL}*")  # drawn against `epoch`, never W&B's own step
ROOT = Path(__file__).resolve().parents[2]  # whose commit and patch are kept, wherever the command is given
INIT_LIMIT_S = 30.0  # a server that takes 3 s per request needs half of it
FINISH_LIMIT_S = 20.0
UPLOAD_LIMIT_S = 300.0  # with a checkpoint to upload
AVOID_S = 600.0  # a server that has failed is not asked again for so long; the end of the study sends what it lacks
ANSWER_LIMIT_S = 10.0  # W&B's own process, on this machine

# whole: on disk, and on the server if online. unsent: on disk, but not all of it is on the server.
# lost: W&B's process ended or stopped, and rows with it.
Closed = Literal["whole", "unsent", "lost"]


@dataclass(frozen=True)
class Files:
    """What is stored as one artifact when a log is closed. kind: "checkpoint" or "report"."""

    kind: str
    paths: tuple[Path, ...]


class Tracker:
    """One W&B run. Use as a context: leaving it without `finish` closes the log as failed.

    A run is resumed by opening another log under the same id; readers merge the two, and the newest row of an epoch
    wins. Training never waits for a server or for W&B's process for longer than the limits above: a server that cannot
    be used when the run begins makes it an offline run, and if W&B's process ends or stops answering, one line says so.
    """

    def __init__(self, folder: Path, mode: Mode, page: Page, *, artifact: Files | None = None) -> None:
        self.name, self.mode, self.artifact = page.name, mode, artifact
        self.lost, self.finished, self.unsent, self.rows = False, False, False, 0
        if mode == "online" and time.monotonic() < _avoid_until:
            self.mode = "offline"
        elif mode == "online":
            try:
                check()
                self.run = _open(folder, "online", page, artifact is not None)
            except (UnavailableError, TrackingError) as error:
                self.say(f"{error}; this run and the next ones are logged offline")
                _end_process()
                self.mode = "offline"
                _avoid()
        if self.mode != "online":
            self.run = _open(folder, self.mode, page, artifact is not None)
        self.run.define_metric("epoch", hidden=True)
        for pattern in METRICS:
            self.run.define_metric(pattern, step_metric="epoch")
        _open_logs.add(self)

    @property
    def file(self) -> Path:
        """The log on disk."""
        return Path(self.run.settings.sync_file)

    @property
    def acknowledged(self) -> int:
        """How many of this log's rows the server has confirmed."""
        return (acknowledged(self.file) or 0) if self.mode == "online" else 0

    def log(self, row: dict[str, Any]) -> None:
        self.rows += 1
        self._send(lambda: self.run.log({logged_as(metric): value for metric, value in row.items()}))

    def finish(self, outcome: str, summary: dict[str, float]) -> Closed:
        """Write the outcome and close the log; it is on disk on return."""
        last = {logged_as(metric): value for metric, value in summary.items()}
        self._send(lambda: self.run.summary.update({**last, "outcome": outcome}))
        if (files := self.artifact) is not None:
            self._send(lambda: self._store(files), UPLOAD_LIMIT_S)
        self._close(exit_code=0)
        if self.lost:
            return "lost"
        if self.mode == "online" and (confirmed := acknowledged(self.file)) is not None and confirmed < self.rows:
            self.unsent = True
        if self.unsent:
            self.say("the W&B server has not taken all of this run; the next runs are logged offline")
            _avoid()
        return "unsent" if self.unsent else "whole"

    def _store(self, files: Files) -> None:
        import wandb

        artifact = wandb.Artifact(f"{files.kind}-{self.run.id}", files.kind)
        for path in files.paths:
            artifact.add_file(str(path))
        self.run.log_artifact(artifact)

    def _close(self, exit_code: int) -> None:
        import wandb

        def finish() -> None:
            try:
                self.run.finish(exit_code=exit_code)
            except TimeoutError:  # raised by W&B: the server took too long
                self.unsent = True

        self.finished = True
        limit_s = ANSWER_LIMIT_S + (_finish_limit(self.artifact is not None) if self.mode == "online" else 0.0)
        self._send(finish, limit_s)
        _open_logs.discard(self)
        # finish() returns up to 30 ms before the last records are on disk; the end of W&B's process does not.
        if not _open_logs:
            self._send(lambda: wandb.teardown(exit_code))
        elif self.mode != "disabled":  # other runs of this process still log through that process
            self._send(self._wait_for_end, limit_s)
        if self.lost:
            _end_process()

    def _wait_for_end(self) -> None:
        while wandb_file.read(self.file).exit_code is None:
            time.sleep(0.01)

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, *error: object) -> None:
        if not self.finished:
            self._close(exit_code=1)

    def _send(self, action: Callable[[], object], limit_s: float = ANSWER_LIMIT_S) -> None:
        if self.lost:
            return
        try:
            _within(limit_s, action)
        except (OSError, _StoppedError) as error:  # ConnectionError among them
            self.lost = True
            reason = "stopped answering" if isinstance(error, _StoppedError) else f"ended ({type(error).__name__})"
            self.say(f"W&B's process {reason}; training continues")

    def say(self, line: str) -> None:
        print(f"{self.name}: {line}", file=sys.stderr)


_open_logs: set[Tracker] = set()  # of this process
_avoid_until = 0.0  # of this process: a server that has just failed would make every run wait for its limits


def _avoid() -> None:
    global _avoid_until
    _avoid_until = time.monotonic() + AVOID_S


class _StoppedError(Exception):
    """W&B's process has not answered within the limit."""


def _open(folder: Path, mode: Mode, page: Page, upload: bool) -> Any:
    import wandb

    settings = wandb.Settings(
        silent=True, console="off", symlink=False, save_code=True, x_transaction_log_flush_interval=1.0,
        x_disable_stats=mode == "offline", init_timeout=INIT_LIMIT_S, finish_timeout=_finish_limit(upload),
        finish_timeout_raises=True, git_root=str(ROOT) if (ROOT / ".git").exists() else None,
    )  # fmt: skip
    try:
        wandb.setup(wandb.Settings(silent=True))
        return wandb.init(
            **vars(page), dir=str(folder), mode=mode, reinit="create_new", resume="allow", settings=settings
        )
    except (wandb.errors.Error, OSError, ValueError) as error:
        raise TrackingError(f"W&B could not open a run ({mode}): {first_line(error)}") from None


def _finish_limit(upload: bool) -> float:
    return UPLOAD_LIMIT_S if upload else FINISH_LIMIT_S


def _within(limit_s: float, action: Callable[[], object]) -> None:
    """Carry out `action` in another thread; raises what it raises, or _StoppedError if it takes longer than that."""
    ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            action()
        except BaseException as error:  # SystemExit too: W&B's client exits where its process ended badly
            ended.put(error)
        else:
            ended.put(None)

    threading.Thread(target=work, daemon=True).start()
    try:
        error = ended.get(timeout=limit_s)
    except queue.Empty:
        raise _StoppedError from None
    if isinstance(error, SystemExit):
        raise ConnectionError(f"exit status {error.code}")
    if error is not None:
        raise error


def _end_process() -> None:
    """End W&B's process, so that the next run begins with a new one: by asking, else by force."""
    import psutil
    import wandb

    for _ in range(2):
        try:
            return _within(ANSWER_LIMIT_S, wandb.teardown)
        except (OSError, _StoppedError):
            for child in psutil.Process().children():
                with suppress(psutil.Error):
                    if child.name().startswith("wandb-core"):
                        child.kill()
                        child.wait(ANSWER_LIMIT_S)
    return None
