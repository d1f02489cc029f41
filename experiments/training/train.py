"""One run: a net, its batches, SGD, an evaluation and a checkpoint an epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

import nets
from experiments.spec import RunSpec
from experiments.training import checkpoint
from experiments.training.augment import Draws, Pixels, crop_and_flip
from experiments.training.data import Dataset, Split
from experiments.training.schedule import learning_rate
from experiments.training.seeding import generator, make_deterministic, reseed_global

Row = dict[str, float]


def train(spec: RunSpec, data: Dataset, folder: Path, log: Callable[[Row], None]) -> str:
    """Train one run to its end, from its checkpoint if it has one; returns its outcome, finished or diverged.

    `log` gets one row an epoch, and again all rows of the epochs that a checkpoint already holds. A non-finite
    loss ends the run at the end of its epoch.
    """
    make_deterministic()
    device = torch.device(spec.device)
    state = checkpoint.load(folder, spec.run_id) or {"run_id": spec.run_id, "rows": [], "outcome": None}
    net = build_net(spec, data).to(device, memory_format=torch.channels_last)
    optimiser = make_optimiser(net, spec)
    if state["rows"]:
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
    draws, pixels = Draws(spec, device), Pixels(data.train.images, spec.data.normalisation)
    for row in state["rows"]:
        log(row)

    for epoch in range(len(state["rows"]), 0 if state["outcome"] else spec.epochs):
        started = time.perf_counter()
        row = {"epoch": epoch + 1, "optim/lr": learning_rate(spec.epoch_end(epoch) - 1, spec.recipe)}
        row |= train_epoch(net, optimiser, spec, data.train, draws, pixels, epoch)
        trained_s = time.perf_counter() - started
        row |= evaluate(net, spec, data.test, pixels)
        images = (spec.epoch_end(epoch) - _first_step(spec, epoch)) * spec.recipe.batch_size
        row |= {"time/epoch_s": time.perf_counter() - started, "time/images_per_s": images / trained_s}
        if not math.isfinite(row["train/loss"]):
            state["outcome"] = "diverged"
        elif epoch + 1 == spec.epochs:
            state["outcome"] = "finished"
        state["rows"].append(row)
        checkpoint.save(folder, {**state, "net": net.state_dict(), "optimiser": optimiser.state_dict()})
        log(row)
        if state["outcome"]:
            break
    return state["outcome"]


def train_epoch(
    net: nn.Module,
    optimiser: torch.optim.Optimizer,
    spec: RunSpec,
    data: Split,
    draws: Draws,
    pixels: Pixels,
    epoch: int,
) -> Row:
    """The steps of one epoch; mean training loss and error (percent) over its batches as they were trained."""
    net.train()
    reseed_global(spec.seed, "dropout", epoch)
    loss_sum, wrong = (torch.zeros((), device=data.images.device) for _ in range(2))
    steps = range(_first_step(spec, epoch), spec.epoch_end(epoch))
    for step in steps:
        index, top, left, flip = draws(step)
        images = crop_and_flip(pixels(data.images[index]), top, left, flip, spec.recipe.crop_padding)
        labels = data.labels[index]
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, spec.recipe)
        with autocast(spec):
            logits = net(images.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits.float(), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss_sum += loss.detach()
        wrong += (logits.detach().argmax(1) != labels).sum()
    samples = len(steps) * spec.recipe.batch_size
    return {"train/loss": loss_sum.item() / len(steps), "train/error": 100 * wrong.item() / samples}


@torch.no_grad()
def evaluate(net: nn.Module, spec: RunSpec, data: Split, pixels: Pixels, batch: int = 500) -> Row:
    """Mean loss and error (percent) over the whole test set, single view."""
    net.eval()
    loss_sum, wrong = (torch.zeros((), device=data.images.device) for _ in range(2))
    for images, labels in zip(data.images.split(batch), data.labels.split(batch), strict=True):
        with autocast(spec):
            logits = net(pixels(images).contiguous(memory_format=torch.channels_last)).float()
        loss_sum += F.cross_entropy(logits, labels, reduction="sum")
        wrong += (logits.argmax(1) != labels).sum()
    return {"test/loss": loss_sum.item() / len(data.labels), "test/error": 100 * wrong.item() / len(data.labels)}


def build_net(spec: RunSpec, data: Dataset) -> nn.Module:
    """The run's net for its data, every parameter from the stream (seed, "init", parameter name)."""
    channels = data.train.images.shape[1]
    net = nets.build(spec.net.name, num_classes=data.classes, in_channels=channels, **spec.net.options)
    nets.initialise(net, lambda name: generator(spec.seed, "init", name), spec.recipe.init)
    return net


def make_optimiser(net: nn.Module, spec: RunSpec) -> torch.optim.SGD:
    """SGD with momentum; weight decay on what `recipe.decay` names, nothing on the rest."""
    recipe = spec.recipe
    kinds = {"conv": (nn.Conv2d,), "weights": (nn.Conv2d, nn.Linear), "all": (nn.Module,)}[recipe.decay]
    decayed = {
        id(parameter)
        for module in net.modules()
        if isinstance(module, kinds)
        for name, parameter in module.named_parameters(recurse=False)
        if recipe.decay == "all" or name == "weight"
    }
    groups = [
        {"params": [p for p in net.parameters() if (id(p) in decayed) == chosen], "weight_decay": decay}
        for chosen, decay in ((True, recipe.weight_decay), (False, 0.0))
    ]
    return torch.optim.SGD(
        [group for group in groups if group["params"]],
        recipe.learning_rate,
        recipe.momentum,
        nesterov=recipe.nesterov,
    )


def autocast(spec: RunSpec) -> torch.autocast:
    return torch.autocast(spec.device, torch.bfloat16, enabled=spec.recipe.precision == "bf16")


def _first_step(spec: RunSpec, epoch: int) -> int:
    return spec.epoch_end(epoch - 1) if epoch else 0
