"""This bench's own training, as `train.train` does it, cut into blocks of steps that can be timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from experiments.data.augment import Batches
from experiments.data.load import Dataset, Split
from experiments.execution.tracking import Tracker
from experiments.seeding import make_deterministic
from experiments.spec import RunSpec
from experiments.training.memory import keep_memory
from experiments.training.optimisers import make_optimiser
from experiments.training.precision import compiled
from experiments.training.step import make_step
from experiments.training.train import Row, build_net, train_epoch


class OurLoop:
    """`block(steps)` trains so many steps, logs a row, and returns the seconds they took.

    All blocks must have the same number of steps, which is an epoch of a data set cut to so many images.
    """

    def __init__(self, spec: RunSpec, data: Dataset, steps: int, log: Callable[[Row], None]) -> None:
        images = steps * spec.recipe.batch_size
        iterations = 1_000_000  # long enough for the rate never to drop
        recipe = replace(spec.recipe, iterations=iterations)
        self.spec = replace(spec, data=replace(spec.data, train_images=images), recipe=recipe)
        device = torch.device(spec.device)
        net = build_net(self.spec, data).to(device, memory_format=torch.channels_last)
        split = Split(data.train.images[:images].to(device), data.train.labels[:images].to(device))
        optimiser, batches = make_optimiser(net, self.spec), Batches(self.spec, split)
        self.step = make_step(compiled(net, spec), optimiser, None, self.spec, batches)
        self.log = log
        self.epoch = 0

    def block(self, steps: int) -> float:
        make_deterministic()
        keep_memory()  # for the usual loop too, in whose process this is
        torch.set_num_threads(self.spec.threads)
        started = time.perf_counter()
        row = train_epoch(self.step, self.spec, self.epoch)
        self.epoch += 1
        self.log({"epoch": self.epoch, **row})
        return time.perf_counter() - started


@contextmanager
def offline_log(folder: Path) -> Iterator[Callable[[Row], None]]:
    """An offline W&B run for the rows that are logged while time is taken."""
    folder.mkdir(parents=True, exist_ok=True)
    tracker = Tracker(
        folder, "offline", project="benchmark", group="speed", job_type="speed", name="speed", run_id="speed",
        tags=(), config={},
    )  # fmt: skip
    with tracker:
        yield tracker.log
        tracker.finish("finished", {})
