"""Several runs at once on one machine, each in a process of its own: their images per second, summed."""

from __future__ import annotations

import multiprocessing
import queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from experiments.spec import RunSpec


class EndedEarlyError(RuntimeError):
    """A process of the measurement ended before it had its times; its own message is on standard error."""


def images_per_s(
    spec: RunSpec, at_once: int, steps: int, repeats: int, data_dir: Path | None, folder: Path
) -> list[float]:
    """The sum over `at_once` processes of their images per second, for each of `repeats` blocks begun together."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(at_once), context.Queue()
    processes = [
        context.Process(target=_train, args=(spec, steps, repeats, data_dir, folder / str(k), barrier, results))
        for k in range(at_once)
    ]
    for process in processes:
        process.start()
    blocks = [_result(results, processes) for _ in processes]
    for process in processes:
        process.join()
    return [sum(steps * spec.recipe.batch_size / seconds for seconds in block) for block in zip(*blocks, strict=True)]


def _result(results: Any, processes: list[Any]) -> list[float]:
    while True:
        try:
            return results.get(timeout=1)
        except queue.Empty:
            if any(process.exitcode for process in processes):
                for process in processes:
                    process.terminate()  # the others wait for it
                raise EndedEarlyError("a process ended early; its own message stands above") from None


def _train(
    spec: RunSpec, steps: int, repeats: int, data_dir: Path | None, folder: Path, barrier: Barrier, results: Any
) -> None:
    import torch

    from experiments import data
    from experiments.planning.ours import OurLoop, offline_log

    torch.set_num_threads(spec.threads)
    with offline_log(folder) as log:
        loop = OurLoop(spec, data.load_for(spec.data, data_dir), steps, log)
        loop.block(steps)  # warms up, compiles
        seconds = []
        for _ in range(repeats):
            barrier.wait()
            seconds.append(loop.block(steps))
    results.put(seconds)
