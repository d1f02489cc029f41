"""Training: exact repetition, divergence, one step by hand."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

import nets
from experiments.data.augment import Batches
from experiments.seeding import stream_seed
from experiments.spec import NetSpec, with_changes
from experiments.training import checkpoint
from experiments.training.train import build_net, train

pytestmark = pytest.mark.usefixtures("one_thread")


def rows_of(spec, data, folder):
    rows = []
    outcome = train(spec, data, folder, rows.append)
    return outcome, [{k: v for k, v in row.items() if not k.startswith("time/")} for row in rows]


def weights(spec, folder):
    return checkpoint.load(folder, spec.run_id)["net"]


def test_the_same_spec_gives_the_same_bits_and_another_seed_does_not(tiny, digits, tmp_path):
    first, second, other = (tmp_path / name for name in "abc")
    for folder in (first, second, other):
        folder.mkdir()
    outcome, rows = rows_of(tiny, digits, first)
    assert outcome == "finished"
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows_of(tiny, digits, second)[1] == rows
    a, b = weights(tiny, first), weights(tiny, second)
    assert all(torch.equal(a[name], b[name]) for name in a)
    moved = replace(tiny, seed=2)
    assert rows_of(moved, digits, other)[1] != rows
    assert not torch.equal(weights(moved, other)["conv1.weight"], a["conv1.weight"])


def test_a_non_finite_loss_is_an_outcome(tiny, digits, tmp_path):
    spec = with_changes(tiny, {"recipe.learning_rate": 1e38, "recipe.warmup": 0.0})
    outcome, rows = rows_of(spec, digits, tmp_path)
    assert outcome == "diverged"
    assert not math.isfinite(rows[-1]["train/loss"])
    assert len(rows) < spec.epochs
    again = rows_of(spec, digits, tmp_path)
    assert (again[0], len(again[1])) == ("diverged", len(rows))


def test_one_step_is_sgd_with_momentum(tiny, digits, tmp_path):
    """Two steps by hand: v = 0.9 v + g + decay w, w = w - lr v, with the recipe's batches and rates."""
    from experiments.training.schedule import learning_rate

    spec = with_changes(
        tiny, {"recipe.iterations": 2, "recipe.warmup": 0.5, "recipe.milestones": (), "recipe.weight_decay": 0.01}
    )
    train(spec, digits, tmp_path, lambda row: None)
    net = build_net(spec, digits).to(memory_format=torch.channels_last)
    batches = Batches(spec, digits.train)
    velocity = {}
    for step in range(2):
        images, labels = batches(step)
        loss = nn.functional.cross_entropy(net(images), labels)
        gradients = torch.autograd.grad(loss, list(net.parameters()))
        with torch.no_grad():
            for (name, w), g in zip(net.named_parameters(), gradients, strict=True):
                g = g + (0.01 * w if w.ndim == 4 else 0)
                velocity[name] = 0.9 * velocity.get(name, 0) + g
                w -= learning_rate(step, spec.recipe) * velocity[name]
    trained = weights(spec, tmp_path)
    for name, w in net.named_parameters():
        torch.testing.assert_close(w.detach(), trained[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("clip_norm", "moved"), [(0.01, 0.01), (1e6, None), (None, None)])
def test_gradients_are_scaled_down_to_the_norm(tiny, digits, tmp_path, clip_norm, moved):
    """One step of plain SGD moves all parameters together by rate * min(norm of the gradient, clip_norm)."""
    recipe = replace(tiny.recipe, iterations=1, warmup=0.0, weight_decay=0.0, milestones=(), clip_norm=clip_norm)
    spec = replace(tiny, recipe=recipe)
    train(spec, digits, tmp_path, lambda row: None)
    net = build_net(spec, digits).to(memory_format=torch.channels_last)
    images, labels = Batches(spec, digits.train)(0)
    gradients = torch.autograd.grad(nn.functional.cross_entropy(net(images), labels), list(net.parameters()))
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm().item()
    steps = [trained - before for trained, before in zip(parameters(spec, tmp_path), net.parameters(), strict=True)]
    length = torch.cat([step.flatten() for step in steps]).norm().item()
    assert norm > 0.1
    assert length == pytest.approx(recipe.learning_rate * (moved or norm), rel=1e-4)


def parameters(spec, folder):
    return [weights(spec, folder)[name] for name, _ in nets.build("resnet8", in_channels=1).named_parameters()]


def test_the_training_error_is_the_main_heads(tiny, digits, tmp_path):
    """A rate of 0 leaves the net as it started."""
    recipe = replace(tiny.recipe, iterations=1, learning_rate=0.0, aux_weight=0.5)
    spec = replace(tiny, net=NetSpec("googlenet_cifar", {"aux": "first", "width": 0.0625}), recipe=recipe)
    _, (row,) = rows_of(spec, digits, tmp_path)
    net = build_net(spec, digits).to(memory_format=torch.channels_last)
    torch.manual_seed(stream_seed(spec.seed, "dropout", 0))
    images, labels = Batches(spec, digits.train)(0)
    output = net(images)
    losses = [nn.functional.cross_entropy(head, labels).item() for head in (output.logits, output.aux1)]
    assert row["train/error"] == pytest.approx(100 * (output.logits.argmax(1) != labels).double().mean().item())
    assert row["train/loss"] == pytest.approx(losses[0] + 0.5 * losses[1], rel=1e-5)
