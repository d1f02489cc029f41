"""Whether runs fit into a GPU's memory: asked before images are decoded, and answered by trying, not by estimate."""

from __future__ import annotations

import gc
import math
from collections.abc import Sequence

import torch

from experiments.planning.concurrency import memory_bytes
from experiments.planning.estimate import time_steps
from experiments.spec import RunSpec, SpecError
from experiments.training.memory import is_out_of_memory, release_memory


def check_device_memory(specs: Sequence[RunSpec]) -> None:
    """Raise SpecError, one line, if a GPU lacks the memory for the largest run's images and one of its steps."""
    if specs[0].device != "cuda":
        return
    spec = max(specs, key=memory_bytes)
    check_images_fit(spec)
    if not step_fits(spec, spec.recipe.batch_size, beside=image_bytes(spec)):
        advice = batch_advice(spec, beside=image_bytes(spec))
        raise SpecError(
            f"{spec.net.name}: the GPU has no memory for a step with batches of {spec.recipe.batch_size}; {advice}"
        )


def check_images_fit(spec: RunSpec) -> None:
    """Raise SpecError, one line, if the images alone do not fit into a GPU's free memory."""
    if spec.device != "cuda":
        return
    need, free = image_bytes(spec), torch.cuda.mem_get_info()[0]
    if need > free:
        raise SpecError(
            f"{spec.data.name}: the images need {need / 2**30:.1f} GiB of GPU memory, and {free / 2**30:.1f} GiB are "
            "free; use fewer images (data.train_images), smaller ones (data.image_size), or --device cpu"
        )


def image_bytes(spec: RunSpec) -> int:
    """Training and test images as a run keeps them on its device: one byte per channel and pixel."""
    return (spec.data.images + spec.data.info.test_images) * math.prod(spec.data.shape)


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
