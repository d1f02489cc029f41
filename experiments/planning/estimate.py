"""How long runs will take on this machine: a few steps of the baseline timed, other variants by multiply-adds."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from dataclasses import replace

import torch

from experiments import machine
from experiments.ablation import Ablation, Overrides
from experiments.data.load import Dataset, Split
from experiments.overrides import images_of, lacks_images
from experiments.planning import concurrency
from experiments.planning.job import Job
from experiments.planning.plan import costs
from experiments.planning.throughput import TimedTraining
from experiments.spec import DataSpec, RunSpec
from experiments.training.losses import training_loss
from experiments.training.memory import is_out_of_memory, release_memory, without_refusals
from experiments.training.optimisers import make_optimiser
from experiments.training.precision import autocast
from experiments.training.process import prepare_process
from experiments.training.train import build_net

TEST_COST = 1 / 3  # one tested crop against one trained image: a forward pass against about three
IMAGENET_TEST = 50_000  # images
LARGE, SMALL = 3e8, 3e7  # multiply-adds per image, by which the timed batch is chosen
BLOCK_STEPS, BLOCKS = 5, 4  # on a GPU: steps of a timed block, of which the first are eager once, and timed blocks


def profile_seconds(ablation: Ablation, profile: str, device: str) -> float:
    """Seconds for all runs of a profile, every seed, in parallel as far as a CPU allows. ImageNet need not be there."""
    specs = ablation.specs(profile, Overrides(device=device))
    seeds, baseline = ablation.profiles[profile].seeds, ablation.baseline_of(profile)
    image_s = seconds_per_image(specs[baseline])
    macs = {name: costs(spec)["multiply_adds"] for name, spec in specs.items()}
    one_seed = sum(run_seconds(spec, image_s * macs[name] / macs[baseline]) for name, spec in specs.items())
    runs = [with_some_images(spec) for spec in specs.values()] * seeds
    parallel = concurrency.most(runs, machine.free_memory(), machine.cores()) if device == "cpu" else 1
    return one_seed * seeds / parallel


def sequential_seconds(jobs: Sequence[Job], baseline: str) -> float:
    """Seconds for the planned runs, one after the other."""
    base = next((job for job in jobs if job.variant == baseline), jobs[0])
    mac_s = seconds_per_image(base.spec) / base.context["multiply_adds"]
    return sum(run_seconds(job.spec, mac_s * job.context["multiply_adds"]) for job in jobs)


def run_seconds(spec: RunSpec, image_s: float) -> float:
    """Seconds of one run: image_s * (images trained + epochs * test images * crops per image * TEST_COST)."""
    trained = spec.recipe.iterations * spec.recipe.batch_size
    epochs = (trained - spec.recipe.batch_size) // images_of(spec) + 1  # begun, the last perhaps incomplete
    test_images = IMAGENET_TEST if lacks_images(spec) else spec.data.info.test_images
    crops = 10 if spec.recipe.test_crops == "ten" else 1
    return image_s * (trained + epochs * test_images * crops * TEST_COST)


def seconds_per_image(spec: RunSpec) -> float:
    """Seconds per training image: on a GPU from whole recorded steps, else from one on as few images as suffice."""
    spec = with_some_images(spec)
    if spec.device == "cuda":
        return time_recorded(spec)
    macs = costs(spec)["multiply_adds"]
    return time_steps(spec, steps=1, batch=2 if macs > LARGE else 8 if macs > SMALL else 32)


def time_recorded(spec: RunSpec) -> float:
    """Seconds per image of the recipe's own batches on random pixels, as a run takes them once its step is recorded.

    A step of few images would wait for its kernels to be launched. The batch is halved until it fits into memory. A
    compiled net is timed as it is uncompiled: compiling takes a minute, and the run is then faster than estimated.
    """
    spec = replace(spec, compiled=False)
    images = BLOCK_STEPS * spec.recipe.batch_size
    pixels = torch.randint(256, (images, *spec.data.shape), dtype=torch.uint8)
    split = Split(pixels, torch.zeros(images, dtype=torch.int64))
    data = Dataset(spec.data.name, split, split, spec.data.info.classes)
    try:
        training = TimedTraining(spec, data, BLOCK_STEPS, lambda row: None)
        training.block(BLOCK_STEPS)  # eager steps, then the recording
        return min(training.block(BLOCK_STEPS) for _ in range(BLOCKS)) / images
    except Exception as error:
        if not is_out_of_memory(error) or spec.recipe.batch_size == 1:
            raise
    finally:
        training = None  # its memory is for the runs, or for the next try
        gc.collect()
        release_memory()
    return time_recorded(replace(spec, recipe=replace(spec.recipe, batch_size=spec.recipe.batch_size // 2)))


def with_some_images(spec: RunSpec) -> RunSpec:
    """An image folder that is not named yet, replaced by CIFAR-10's images at the same size."""
    return replace(spec, data=DataSpec("cifar10", image_size=spec.data.image_size)) if lacks_images(spec) else spec


def time_steps(spec: RunSpec, steps: int, batch: int) -> float:
    """Seconds per image of the fastest of `steps` training steps on random pixels, after one to warm up.

    passes / batch + update / the recipe's batch size: the optimiser's update costs the same whatever the batch.
    Raises DataError for an image folder that does not exist: its number of classes is part of the net.
    """
    prepare_process(spec)
    device, shape = torch.device(spec.device), spec.input_shape
    torch.set_num_threads(spec.threads)
    split = Split(torch.zeros(1, *shape, dtype=torch.uint8), torch.zeros(1, dtype=torch.int64))
    data = Dataset(spec.data.name, split, split, spec.data.info.classes)
    net = build_net(spec, data).to(device).to(memory_format=torch.channels_last)
    optimiser = make_optimiser(net, replace(spec, recipe=replace(spec.recipe, learning_rate=0.0)))
    pixels = torch.randn(batch, *shape, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(batch, dtype=torch.int64, device=device)
    passes, updates = [], []
    for _ in range(1 + steps):
        started = time.perf_counter()
        with without_refusals(spec.device):
            with autocast(spec):
                loss, _ = training_loss(net(pixels), labels, spec.recipe)
            optimiser.zero_grad()
            loss.backward()
            loss.item()  # waits for the device
        passed = time.perf_counter()
        optimiser.step()
        passes.append(passed - started)
        updates.append(time.perf_counter() - passed)
    return min(passes[1:]) / batch + min(updates[1:]) / spec.recipe.batch_size
