"""One run: a net, its batches, its optimiser, an evaluation and a checkpoint an epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn

import nets
from experiments.data.augment import Batches
from experiments.data.load import Dataset
from experiments.seeding import generator, make_deterministic, reseed_global
from experiments.spec import RunSpec
from experiments.training import checkpoint, metrics, predictions
from experiments.training.ema import Ema
from experiments.training.evaluation import evaluate
from experiments.training.memory import keep_memory
from experiments.training.optimisers import make_optimiser
from experiments.training.precision import compiled, set_tf32
from experiments.training.schedule import learning_rate
from experiments.training.signals import measure
from experiments.training.step import Step, make_step

Row = dict[str, float]


def train(
    spec: RunSpec,
    data: Dataset,
    folder: Path,
    log: Callable[[Row], None],
    signals: bool = False,
    measured: Sequence[str] = (),
) -> str:
    """Train one run to its end, from its checkpoint if it has one; returns its outcome, finished or diverged.

    `signals` adds `signals.measure` to the rows and changes nothing else. `log` gets one row an epoch, and again all
    rows of the epochs that a checkpoint already holds. A non-finite loss ends the run at the end of its epoch.
    `measured`: names of `metrics` whose values of the test set join the rows. The last epoch's predictions are kept.
    """
    make_deterministic()
    keep_memory()
    set_tf32(spec)
    device = torch.device(spec.device)
    state = checkpoint.load(folder, spec.run_id) or {"run_id": spec.run_id, "rows": [], "outcome": None}
    net = build_net(spec, data).to(device, memory_format=torch.channels_last)
    optimiser = make_optimiser(net, spec)
    average = None if spec.recipe.ema is None else Ema(net, spec.recipe.ema)
    parts = {"net": net, "optimiser": optimiser} | ({"average": average.net} if average else {})
    if state["rows"]:
        for name, part in parts.items():
            part.load_state_dict(state[name])
    batches = Batches(spec, data.train)
    step = make_step(compiled(net, spec), optimiser, average, spec, batches)
    for row in state["rows"]:
        log(row)

    for epoch in range(len(state["rows"]), 0 if state["outcome"] else spec.epochs):
        row = {"epoch": epoch + 1, "optim/lr": learning_rate(spec.epoch_end(epoch) - 1, spec.recipe)}
        row |= measure(net, spec, batches) if signals else {}
        started = time.perf_counter()
        row |= train_epoch(step, spec, epoch)
        trained_s = time.perf_counter() - started
        tested, logits = evaluate(average.net if average else net, spec, data.test, batches.pixels)
        row |= tested
        images = (spec.epoch_end(epoch) - _first_step(spec, epoch)) * spec.recipe.batch_size
        row |= {"time/epoch_s": time.perf_counter() - started, "time/images_per_s": images / trained_s}
        row |= metrics.measure(measured, logits, data.test.labels)
        if not math.isfinite(row["train/loss"]):
            state["outcome"] = "diverged"
        elif epoch + 1 == spec.epochs:
            state["outcome"] = "finished"
        state["rows"].append(row)
        if state["outcome"]:  # ahead of the checkpoint: a finished one always has its predictions
            predictions.save(folder, logits, data.test.labels)
        checkpoint.save(folder, {**state, **{name: part.state_dict() for name, part in parts.items()}})
        log(row)
        if state["outcome"]:
            break
    return state["outcome"]


def train_epoch(step: Step, spec: RunSpec, epoch: int) -> Row:
    """The steps of one epoch; mean training loss and main head's error (percent) over its batches as trained."""
    step.net.train()
    reseed_global(spec.seed, "dropout", epoch)
    step.loss_sum.zero_()
    step.wrong.zero_()
    steps = range(_first_step(spec, epoch), spec.epoch_end(epoch))
    for k in steps:
        step(k)
    samples = len(steps) * spec.recipe.batch_size
    return {"train/loss": step.loss_sum.item() / len(steps), "train/error": 100 * step.wrong.item() / samples}


def build_net(spec: RunSpec, data: Dataset) -> nn.Module:
    """The run's net for its data, every parameter from the stream (seed, "init", parameter name)."""
    channels = data.train.images.shape[1]
    net = nets.build(spec.net.name, num_classes=data.classes, in_channels=channels, **spec.net.options)
    nets.initialise(net, lambda name: generator(spec.seed, "init", name), spec.recipe.init)
    return net


def _first_step(spec: RunSpec, epoch: int) -> int:
    return spec.epoch_end(epoch - 1) if epoch else 0
