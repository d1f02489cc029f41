"""The training loss against its formula: smoothed labels, auxiliary heads."""

from dataclasses import replace

import pytest
import torch

import nets
from experiments.spec import Recipe
from experiments.training.losses import training_loss

LABELS = torch.tensor([2, 0, 1, 2])


def cross_entropy(logits, smoothing=0.0):
    """-sum_k q_k log p_k with q = (1 - e) onehot + e / K, mean over the images; spelt out."""
    K = logits.shape[1]
    target = (1 - smoothing) * torch.eye(K, dtype=torch.float64)[LABELS] + smoothing / K
    logits = logits.detach().double()
    log_p = logits - logits.exp().sum(1, keepdim=True).log()
    return -(target * log_p).sum(1).mean().item()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_labels_are_smoothed_as_szegedy_2015_has_it(smoothing):
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    loss, main = training_loss(logits, LABELS, Recipe(label_smoothing=smoothing))
    assert loss.item() == pytest.approx(cross_entropy(logits, smoothing), rel=1e-6)
    assert main is logits


HEADED = [
    ("googlenet_cifar", {"aux": "both", "width": 0.0625, "norm": "batch"}, 8, 2),
    ("googlenet_cifar", {"aux": "first", "width": 0.0625, "norm": "batch"}, 8, 1),
    ("inception_v3", {}, 75, 1),
]


@pytest.mark.parametrize(("name", "options", "side", "heads"), HEADED)
def test_heads_join_with_their_weight_and_none_is_left_out(name, options, side, heads):
    torch.manual_seed(0)
    net = nets.build(name, num_classes=3, **options)
    output = net(torch.randn(4, 3, side, side))
    loss, logits = training_loss(output, LABELS, Recipe(aux_weight=0.25, label_smoothing=0.1))
    given = [head for head in output[1:] if head is not None]
    assert len(given) == heads
    expected = cross_entropy(output.logits, 0.1) + 0.25 * sum(cross_entropy(head, 0.1) for head in given)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert logits is output.logits
    without, _ = training_loss(output, LABELS, replace(Recipe(), aux_weight=0.0))
    assert without.item() == pytest.approx(cross_entropy(output.logits), rel=1e-5)
