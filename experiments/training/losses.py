"""The loss that training minimises."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from experiments.spec import Recipe

Output = torch.Tensor | tuple[torch.Tensor, *tuple[torch.Tensor | None, ...]]


def training_loss(output: Output, labels: torch.Tensor, recipe: Recipe) -> tuple[torch.Tensor, torch.Tensor]:
    """loss = CE(main head) + aux_weight * sum of CE(auxiliary head), and the main head's logits (N, classes).

    CE is the mean cross-entropy with the labels smoothed to (1 - e) onehot + e / classes, e = label_smoothing
    (Szegedy et al. 2015, section 7). `labels`: int64 (N,), or float (N, classes) where mixup or CutMix mixed them.
    `output`: logits, or a tuple of them, the main head's first; a head that is
    None is left out.
    """
    logits, *heads = output if isinstance(output, tuple) else (output,)
    loss = _cross_entropy(logits, labels, recipe)
    for head in heads:
        if head is not None:
            loss = loss + recipe.aux_weight * _cross_entropy(head, labels, recipe)
    return loss, logits


def _cross_entropy(logits: torch.Tensor, labels: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    return F.cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
