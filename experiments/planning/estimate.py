"""How long runs will take here, from a few timed steps."""

from __future__ import annotations

import time
from dataclasses import replace

import torch

from experiments.data.load import Dataset, Split
from experiments.spec import RunSpec
from experiments.training.losses import training_loss
from experiments.training.optimisers import make_optimiser
from experiments.training.precision import autocast
from experiments.training.train import build_net

TEST_PASS = 1 / 3  # an evaluated view costs a forward pass, a trained image about three


def seconds_per_image(spec: RunSpec, steps: int = 2, batch: int = 32) -> float:
    """Seconds a training image, the fastest of `steps` steps on random pixels after one to warm up.

    Raises DataError for an image folder that does not exist: its number of classes is part of the net.
    """
    device, shape = torch.device(spec.device), spec.input_shape
    torch.set_num_threads(spec.threads)
    split = Split(torch.zeros(1, *shape, dtype=torch.uint8), torch.zeros(1, dtype=torch.int64))
    data = Dataset(spec.data.name, split, split, spec.data.info.classes)
    net = build_net(spec, data).to(device, memory_format=torch.channels_last)
    optimiser = make_optimiser(net, replace(spec, recipe=replace(spec.recipe, learning_rate=0.0)))
    pixels = torch.randn(batch, *shape, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(batch, dtype=torch.int64, device=device)
    times = []
    for _ in range(1 + steps):
        started = time.perf_counter()
        with autocast(spec):
            loss, _ = training_loss(net(pixels), labels, spec.recipe)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss.item()  # waits for the device
        times.append(time.perf_counter() - started)
    return min(times[1:]) / batch


def run_seconds(spec: RunSpec, image_s: float) -> float:
    """Seconds of one run: its training images, and all views of the test set once an epoch."""
    views = 10 if spec.recipe.test_crops == "ten" else 1
    tested = spec.epochs * spec.data.info.test_images * views * TEST_PASS
    return image_s * (spec.recipe.iterations * spec.recipe.batch_size + tested)
