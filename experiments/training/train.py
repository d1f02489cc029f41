"""Training: epochs of steps, an evaluation and a checkpoint after each, until the run is finished or diverges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from analysis.schema import Outcome
from experiments.data.load import Dataset
from experiments.spec import RunSpec
from experiments.training import group, metrics, predictions
from experiments.training.build import build_net
from experiments.training.evaluation import evaluate
from experiments.training.session import Control, Row, open_session
from experiments.training.step import Step

__all__ = ["Control", "Row", "build_net", "evaluate", "train", "train_epoch"]

UNSUPERVISED = Control()


def train(
    spec: RunSpec, data: Dataset, folder: Path, log: Callable[[Row], None], signals: bool = False,
    measured: Sequence[str] = (), control: Control = UNSUPERVISED,
) -> Outcome:  # fmt: skip
    """Train one run to its end, from its checkpoint if it has one; returns its outcome, finished or diverged.

    `log` gets one row per epoch, starting with those that a checkpoint already has. `signals` adds `signals.measure`
    to the rows, `measured` the values of these `metrics` on the test set; neither changes anything else. The last
    epoch's predictions are kept, and on return the last checkpoint is on disk. A loss or weight that is not finite ends
    the run at the end of its epoch. Raises StoppedError when `control` stops it, CheckpointError if a checkpoint
    cannot be read or written.
    """
    with open_session(spec, data, folder, control) as session:
        for row in session.rows:
            log(row)
        while session.outcome is None:
            session.begin_epoch(signals)
            for k in session.remaining():
                session.step(k)
                session.check_in(k + 1)
            row = session.trained()
            tested, logits = evaluate(session.tested, spec, data.test, session.pixels, after_batch=session.check_in)
            row |= tested | metrics.measure(measured, logits, data.test.labels)
            if session.end_epoch(row) and group.is_first():
                predictions.save(folder, logits, data.test.labels)  # before the checkpoint that says the run is over
            session.save()
            log(row)
    return session.outcome


def train_epoch(step: Step, spec: RunSpec, epoch: int, turn: Callable[[], None] = lambda: None) -> Row:
    """One whole epoch; mean training loss and main head's error (percent) over its batches as trained.

    turn: called where other runs of this process may take a step.
    """
    step.begin_epoch(epoch)
    step.net.train()
    for k in step.steps_of(epoch):
        step(k)
        if step.settled:
            turn()
    return step.row(epoch)
