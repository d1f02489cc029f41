"""The summary of a run that has ended, as its W&B log gets it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analysis.logs import wrong_images
from experiments.planning.job import Job
from experiments.training import checkpoint, predictions
from experiments.training.predictions import Predictions
from experiments.training.session import Row


def summary_of(job: Job, rows: Sequence[Row], found: Predictions | None = None) -> dict[str, Any]:
    """The last epoch's values, the training time and the test images predicted wrongly.

    found: the last epoch's predictions; else those that the run's folder keeps. A diverged run has none: instead,
    when it diverged and the last finite values.
    """
    state = checkpoint.load(job.folder, job.spec.run_id) or {}
    diverged = state.get("divergence", {})
    kept = None if diverged else found or predictions.load(job.folder)
    spent = sum(row["time/epoch_s"] for row in rows)
    return {**rows[-1], "time/train_s": spent, **({} if kept is None else wrong_images_of(kept)), **diverged}


def wrong_images_of(found: Predictions) -> dict[str, str]:
    """Nothing of a test set that is too large for a log."""
    if len(found.labels) > wrong_images.MOST_IMAGES:
        return {}
    return {wrong_images.KEY: wrong_images.packed((found.logits.argmax(1) != found.labels).cpu().numpy())}
