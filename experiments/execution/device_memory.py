"""Whether runs fit into a GPU's memory: asked before images are decoded, and answered by trying, not by estimate."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import torch

from experiments.data.load import held_bytes
from experiments.loading import AS_FITS, Loading
from experiments.planning.concurrency import memory_bytes
from experiments.planning.estimate import time_steps
from experiments.spec import RunSpec, SpecError
from experiments.training.memory import is_out_of_memory, release_memory


def check_device_memory(specs: Sequence[RunSpec], loading: Loading = AS_FITS) -> None:
    """Raise SpecError, one line, if a GPU lacks the memory for the largest run's images and one of its steps."""
    if specs[0].device != "cuda":
        return
    spec = max(specs, key=memory_bytes)
    check_images_fit(spec, loading)
    if not step_fits(spec, spec.recipe.batch_size, beside=held_bytes(spec, loading)):
        advice = batch_advice(spec, beside=held_bytes(spec, loading))
        raise SpecError(
            f"{spec.net.name}: the GPU has no memory for a step with batches of {spec.recipe.batch_size}; {advice}"
        )


def check_images_fit(spec: RunSpec, loading: Loading = AS_FITS) -> None:
    """Raise SpecError, one line, if the images alone do not fit into a GPU's free memory."""
    if spec.device != "cuda":
        return
    need, free = held_bytes(spec, loading), torch.cuda.mem_get_info()[0]
    if need > free:
        raise SpecError(
            f"{spec.data.name}: the images need {need / 2**30:.1f} GiB of GPU memory, and {free / 2**30:.1f} GiB are "
            "free; use fewer images (data.train_images), smaller ones (data.image_size), --stream always or "
            "--device cpu"
        )


def batch_advice(spec: RunSpec, beside: int = 0) -> str:
    """The largest half, quarter, ... of the batch with which one step fits into memory; tried, not estimated."""
    batch = spec.recipe.batch_size // 2
    while batch and not step_fits(spec, batch, beside):
        batch //= 2
    if batch:
        return f"batches of {batch} fit (recipe.batch_size; it changes the recipe)"
    return "not even a batch of 1 fits: use a smaller net, smaller images or a machine with more memory"


def step_fits(spec: RunSpec, batch: int, beside: int = 0) -> bool:
    """Whether one step on `batch` images fits into memory, beside so many bytes on the device."""
    gc.collect()
    release_memory()
    try:
        held = torch.empty(beside, dtype=torch.uint8, device=spec.device)
        time_steps(spec, steps=1, batch=batch)
        del held
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return False
    finally:
        release_memory()
    return True
