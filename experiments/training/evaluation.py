"""The test set through a net: loss, error, and the predictions that every other metric is computed from."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from experiments.data.augment import Pixels
from experiments.data.load import TEST_BATCH
from experiments.data.split import Images
from experiments.data.test_crops import crops_of, predict
from experiments.spec import RunSpec
from experiments.training.precision import autocast
from experiments.training.predictions import kept


@torch.no_grad()
def evaluate(
    net: nn.Module,
    spec: RunSpec,
    data: Images,
    pixels: Pixels,
    batch: int = TEST_BATCH,
    after_batch: Callable[[], None] = lambda: None,
) -> tuple[dict[str, float], torch.Tensor]:
    """Mean cross-entropy and error (percent) over the whole test set, and its logits as `predictions.kept` has them.

    Each image is seen through the crops that the recipe names.
    """
    net.eval()
    loss_sum, wrong = (torch.zeros((), device=data.labels.device) for _ in range(2))
    predictions = []
    for images, labels in data.batches(batch):
        with autocast(spec):
            logits = predict(net, crops_of(pixels(images), spec.recipe))
        loss_sum += F.cross_entropy(logits, labels, reduction="sum")
        wrong += (logits.argmax(1) != labels).sum()
        predictions.append(kept(logits))
        after_batch()
    row = {"test/loss": loss_sum.item() / len(data.labels), "test/error": 100 * wrong.item() / len(data.labels)}
    return row, torch.cat(predictions)
