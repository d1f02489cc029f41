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
from experiments.training import group
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

    Each image is seen through the crops that the recipe names. Several processes take the batches in turn, each of
    them one, with the weights and buffers of process 0; all get the same bits as one process.
    """
    net.eval()
    group.align(net.buffers())
    found: dict[int, tuple[torch.Tensor, ...]] = {}
    number = -(-len(data.labels) // batch)
    own = data.batches(batch, group.rank(), group.size())
    for first in range(0, number, group.size()):
        if (k := first + group.rank()) < number:
            images, labels = next(own)
            with autocast(spec):
                logits = predict(net, crops_of(pixels(images), spec.recipe))
            loss = F.cross_entropy(logits, labels, reduction="sum")
            found[k] = (loss, (logits.argmax(1) != labels).sum(), kept(logits))
        after_batch()
    losses, wrong, predictions = zip(*group.collected(found, number), strict=True)
    n = len(data.labels)
    loss_sum = sum(losses, start=torch.zeros((), device=losses[0].device))
    row = {"test/loss": loss_sum.item() / n, "test/error": 100 * sum(count.item() for count in wrong) / n}
    return row, torch.cat(predictions)
