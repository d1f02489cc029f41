"""How long runs will take here, from a few timed steps."""

from __future__ import annotations

import time
from dataclasses import replace

import torch
import torch.nn.functional as F

from experiments.datasets import DATASETS
from experiments.spec import RunSpec
from experiments.training.data import Dataset, Split
from experiments.training.train import autocast, build_net, make_optimiser

TEST_PASS = 1 / 3  # an evaluated image costs a forward pass, a trained one about three


def seconds_per_image(spec: RunSpec, steps: int = 2, batch: int = 32) -> float:
    """Seconds a training image, the fastest of `steps` steps on random pixels after one to warm up."""
    info = DATASETS[spec.data.name]
    device = torch.device(spec.device)
    torch.set_num_threads(spec.threads)
    images = torch.zeros(1, *info.shape, dtype=torch.uint8)
    split = Split(images, torch.zeros(1, dtype=torch.int64))
    net = build_net(spec, Dataset(info.name, split, split, info.classes)).to(device, memory_format=torch.channels_last)
    optimiser = make_optimiser(net, replace(spec, recipe=replace(spec.recipe, learning_rate=0.0)))
    pixels = torch.randn(batch, *info.shape, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(batch, dtype=torch.int64, device=device)
    times = []
    for _ in range(1 + steps):
        started = time.perf_counter()
        with autocast(spec):
            loss = F.cross_entropy(net(pixels).float(), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss.item()  # waits for the device
        times.append(time.perf_counter() - started)
    return min(times[1:]) / batch


def run_seconds(spec: RunSpec, image_s: float) -> float:
    """Seconds of one run: its training images, and the test set once an epoch."""
    tested = spec.epochs * DATASETS[spec.data.name].test_images * TEST_PASS
    return image_s * (spec.recipe.iterations * spec.recipe.batch_size + tested)
