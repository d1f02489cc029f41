"""The predictions of a run's last epoch on the test set, in its folder, so that any metric can be computed later."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from experiments.training.files import write_aside

NAME = "predictions.npz"
LOWEST = torch.finfo(torch.float16).min


@dataclass(frozen=True)
class Predictions:
    """logits: float16 (N, classes), see `kept`. labels: int64 (N,), in the order of the test set."""

    logits: torch.Tensor
    labels: torch.Tensor


def kept(logits: torch.Tensor) -> torch.Tensor:
    """float16 of z - max(z) for logits z (N, classes), no lower than -65504.

    Softmax does not see the shift, and the highest logit becomes exactly 0: every other one keeps its distance to it
    within 0.05 %, so the predicted class stays the same unless two logits are closer than 3e-8. Half the size of
    float32; what is logged during training is computed from the same numbers, so both always agree.
    """
    return (logits - logits.amax(1, keepdim=True)).clamp(min=LOWEST).half()


def save(folder: Path, logits: torch.Tensor, labels: torch.Tensor) -> None:
    """Write folder/predictions.npz, compressed, atomically: `logits` as `kept` gives them, `labels` in few bytes."""
    numbers, buffer = labels.cpu().numpy(), io.BytesIO()
    np.savez_compressed(buffer, logits=logits.cpu().numpy(), labels=numbers.astype(np.min_scalar_type(numbers.max())))
    path = folder / NAME
    write_aside(path, buffer.getvalue()).replace(path)


def load(folder: Path) -> Predictions | None:
    """What `save` wrote; None where there is nothing, as in the folders of older versions."""
    path = folder / NAME
    if not path.exists():
        return None
    with np.load(path) as arrays:
        logits, labels = (torch.from_numpy(arrays[name]) for name in ("logits", "labels"))
    return Predictions(logits, labels.long())
