"""Images per second of this program's own training: one run timed in blocks of steps, or several runs in parallel."""

from __future__ import annotations

import multiprocessing
import queue
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import torch

from experiments.data.augment import Batches
from experiments.data.load import Dataset, load_for
from experiments.spec import RunSpec
from experiments.training.memory import without_refusals
from experiments.training.optimisers import make_optimiser
from experiments.training.precision import compiled
from experiments.training.process import prepare_process
from experiments.training.step import make_step
from experiments.training.train import Row, build_net, train_epoch
from experiments.training.turns import Turns

Log = Callable[[Row], None]
# Opens the log of run k. It travels to other processes, so it must be picklable.
OpenLog = Callable[[int], AbstractContextManager[Log]]


class EndedEarlyError(RuntimeError):
    """A timed process ended before it had its times; its own message is on standard error."""


class TimedTraining:
    """Training as `train.train` does it: `block(steps)` takes so many steps, logs a row, and returns the seconds taken.

    All blocks must have the same number of steps: an epoch of the data set, cut to that many batches.
    """

    def __init__(self, spec: RunSpec, data: Dataset, steps: int, log: Log) -> None:
        images = steps * spec.recipe.batch_size
        iterations = 1_000_000  # long enough that the learning rate never reaches a milestone
        recipe = replace(spec.recipe, iterations=iterations)
        self.spec = replace(spec, data=replace(spec.data, train_images=images), recipe=recipe)
        device = torch.device(spec.device)
        net = build_net(self.spec, data).to(device).to(memory_format=torch.channels_last)
        split = data.train.first(images).to(device)
        optimiser, batches = make_optimiser(net, self.spec), Batches(self.spec, split)
        self.step = make_step(compiled(net, spec), optimiser, None, self.spec, batches)
        self.log = log
        self.epoch = 0

    def block(self, steps: int, turn: Callable[[], None] = lambda: None) -> float:
        prepare_process(self.spec)
        torch.set_num_threads(self.spec.threads)
        started = time.perf_counter()
        with without_refusals(self.spec.device):
            row = train_epoch(self.step, self.spec, self.epoch, turn)
        self.epoch += 1
        self.log({"epoch": self.epoch, **row})
        return time.perf_counter() - started


def no_log(run: int) -> AbstractContextManager[Log]:
    """Leaves the rows unlogged."""
    return nullcontext(lambda row: None)


def images_per_s(
    spec: RunSpec, runs: int, steps: int, repeats: int, data_dir: Path | None, open_log: OpenLog = no_log
) -> list[float]:
    """Images per second summed over runs that train in parallel, for each of `repeats` blocks begun together.

    On a CUDA device the runs take turns in one process, elsewhere each has its own.

    Raises EndedEarlyError where one of them fails, for lack of memory for example.
    """
    context, processes = multiprocessing.get_context("spawn"), 1 if spec.device == "cuda" else runs
    barrier, results = context.Barrier(processes), context.Queue()
    arguments = (spec, steps, repeats, data_dir, open_log, barrier, results)
    started = [context.Process(target=_train, args=(range(k, runs, processes), *arguments)) for k in range(processes)]
    for process in started:
        process.start()
    blocks = [block for _ in started for block in _result(results, started)]
    for process in started:
        process.join()
    return [sum(steps * spec.recipe.batch_size / seconds for seconds in block) for block in zip(*blocks, strict=True)]


def _result(results: Any, processes: list[Any]) -> list[list[float]]:
    while True:
        try:
            return results.get(timeout=1)
        except queue.Empty:
            if any(process.exitcode for process in processes):
                for process in processes:
                    process.terminate()  # the others would wait for it for ever
                raise EndedEarlyError("a timed process ended early; see its own message above") from None


def _train(
    runs: Sequence[int], spec: RunSpec, steps: int, repeats: int, data_dir: Path | None, open_log: OpenLog,
    barrier: Barrier, results: Any,
) -> None:  # fmt: skip
    """The seconds of each block of each of these runs, which take turns."""
    torch.set_num_threads(spec.threads)
    data, turns = load_for(spec.data, data_dir, device=spec.device), Turns(spec.device)
    seconds: list[list[float]] = []

    def time_run(run: int) -> None:
        with open_log(run) as log:
            training = TimedTraining(spec, data, steps, log)
            training.block(steps, turns.turn)  # warms up, compiles
            own = []
            for _ in range(repeats):
                barrier.wait()
                own.append(training.block(steps, turns.turn))
        seconds.append(own)

    for run in runs:
        turns.add(partial(time_run, run))
    while turns:
        turns.take()
    results.put(seconds)
