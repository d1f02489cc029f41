"""Images per second and core from a folder of photographs: this bench's reading beside torchvision's reference loop.

Also what decoding and resizing cost in the libraries that could do it, and whether memory stays flat over an epoch.
"""

from __future__ import annotations

import importlib
import io
import os
import resource
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import psutil
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.io import ImageReadMode, decode_jpeg
from torchvision.transforms import v2

from benchmarks import photographs
from benchmarks.command_line import check_positive, run
from experiments.data import resized_copy
from experiments.data.augment import Pixels, resized_crops
from experiments.data.load import load_for
from experiments.data.order import batch_indices
from experiments.data.random_resized_crop import draw_boxes
from experiments.data.read_image import resized_and_cropped
from experiments.loading import Loading
from experiments.seeding import generator
from experiments.spec import DataSpec, Recipe, RunSpec

SIDE, CROP, BATCH = 256, 224, 256
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
GPU_RATE = 3000  # images per second that one GPU trains a ResNet-50 on
DECODED = 200  # photographs per decoder
MEMORY_EVERY = 5  # batches


@dataclass
class Args:
    """Images per second and core from a folder of photographs, beside torchvision's reference loop."""

    folder: Path = Path("photographs")
    """Where the photographs are, or are made; their resized copy is beside it."""
    images: int = 10_000
    """How many photographs."""
    read: int = 10_000
    """How many of them each measurement reads."""
    workers: tuple[int, ...] = (1, 2)
    """Worker processes."""


@dataclass(frozen=True)
class Rate:
    """Images read, by the clock and by the time that all processes had a core."""

    images: int
    clock_s: float
    cpu_s: float
    memory_mb: tuple[float, ...] = ()


def spec_of(folder: Path) -> RunSpec:
    data = DataSpec(f"imagefolder:{folder.resolve()}", image_size=SIDE, normalisation="channel")
    recipe = Recipe(iterations=10**6, batch_size=BATCH, crop_padding=0, crop_size=CROP, crop_area=(0.08, 1.0))
    return RunSpec(data=data, recipe=recipe)


def ours(folder: Path, workers: int) -> Generator[int]:
    """Batches as they are copied to a device: uint8, in the order of training."""
    spec = spec_of(folder)
    data = load_for(spec.data, folder, Loading("always", workers)).train
    feed = data.feed(lambda step: batch_indices(spec, step), spec.recipe.iterations)
    step = 0
    try:
        while True:
            split, _ = feed(step, batch_indices(spec, step))
            yield len(split.labels)
            step += 1
    finally:
        feed.close()


def reference(folder: Path, workers: int) -> Generator[int]:
    """torchvision's reference for classification: a random crop of random size, resized, flipped, normalised."""
    change = transforms.Compose([
        transforms.RandomResizedCrop(CROP), transforms.RandomHorizontalFlip(), transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    ])  # fmt: skip
    loader = DataLoader(ImageFolder(str(folder / "train"), change), BATCH, shuffle=True, num_workers=workers)
    while True:
        for _, labels in loader:
            yield len(labels)


LOOPS: dict[str, Callable[[Path, int], Generator[int]]] = {"torchvision": reference, "this bench": ours}


def rate(batches: Generator[int], images: int) -> Rate:
    """Of the loop, from its start to its end, memory along the way."""
    started, before = time.perf_counter(), cpu_s()
    done, memory = 0, []
    while done < images:
        done += sum(islice(batches, 1))
        if done // BATCH % MEMORY_EVERY == 0:
            memory.append(memory_mb())
    batches.close()
    return Rate(done, time.perf_counter() - started, cpu_s() - before, tuple(memory))


def cpu_s() -> float:
    """Seconds on a core, of this process and of all its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def memory_mb() -> float:
    """Of this process and its workers; shared pages count once."""
    this = psutil.Process()
    return sum(process.memory_full_info().pss for process in (this, *this.children(recursive=True))) / 2**20


def decoders() -> dict[str, Callable[[bytes], object]]:
    """From a file's bytes to pixels, and to the square that is kept."""

    def pillow(raw: bytes) -> Image.Image:
        return Image.open(io.BytesIO(raw)).convert("RGB")

    def scaled(raw: bytes) -> Image.Image:
        image = Image.open(io.BytesIO(raw))
        image.draft("RGB", (SIDE, SIDE))
        return image.convert("RGB")

    def torchvision(raw: bytes) -> torch.Tensor:
        pixels = decode_jpeg(torch.frombuffer(bytearray(raw), dtype=torch.uint8), mode=ImageReadMode.RGB)
        assert isinstance(pixels, torch.Tensor)
        return pixels

    def square(pixels: torch.Tensor) -> torch.Tensor:
        return v2.functional.center_crop(v2.functional.resize(pixels, [SIDE], antialias=True), [SIDE, SIDE])

    found: dict[str, Callable[[bytes], object]] = {
        "Pillow": pillow,
        "Pillow, DCT scaling": scaled,
        "torchvision": torchvision,
        "Pillow, resized by Pillow (used)": lambda raw: np.asarray(resized_and_cropped(pillow(raw), SIDE)),
        "Pillow, DCT scaling, resized by Pillow": lambda raw: np.asarray(resized_and_cropped(scaled(raw), SIDE)),
        "torchvision, resized by torchvision": lambda raw: square(torchvision(raw)),
    }
    try:
        torchcodec = importlib.import_module("torchcodec.decoders")
    except (ImportError, RuntimeError, OSError):
        return found
    decode = torchcodec.decode_jpeg
    found["torchcodec"] = lambda raw: decode(torch.frombuffer(bytearray(raw), dtype=torch.uint8))
    return found


def milliseconds(function: Callable[[bytes], object], files: Sequence[bytes]) -> float:
    """On one core, per file: the least of three passes."""
    times = []
    for _ in range(3):
        started = time.process_time()
        for raw in files:
            function(raw)
        times.append(time.process_time() - started)
    return 1000 * min(times) / len(files)


def augmentation_ms() -> float:
    """Crop, flip and normalisation of one image on one core of the CPU; on a GPU they are done there."""
    images = torch.randint(256, (32, 3, SIDE, SIDE), dtype=torch.uint8)
    pixels, flip = Pixels(images, "channel"), torch.zeros(32, dtype=torch.int64)
    box = draw_boxes(32, SIDE, (0.08, 1.0), generator(0, "benchmark"))
    started = time.process_time()
    resized_crops(pixels(images), box, flip, CROP)
    return 1000 * (time.process_time() - started) / 32


def main(args: Args) -> None:
    check_positive(args, "images", "read")
    torch.set_num_threads(1)
    folder = photographs.make(args.folder, args.images)
    copy = folder.with_name(f"{folder.name}-{SIDE}")
    resized_copy.make(resized_copy.plan(folder, copy, SIDE, None), os.cpu_count() or 1)
    files = [photographs.path_of(folder, k).read_bytes() for k in range(min(DECODED, args.images))]
    print(
        f"{args.images:,} photographs of 500 x 375, {np.mean([len(raw) for raw in files]) / 1000:.0f} kB each; ", end=""
    )
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n\n| decoder | ms per image and core |\n|---|---|")
    for name, function in decoders().items():
        print(f"| {name} | {milliseconds(function, files):.2f} |", flush=True)
    print(f"\ncrop, flip and normalisation on the CPU: {augmentation_ms():.2f} ms per image and core\n")
    print("| loop | folder | workers | images/s | images/s and core | ms | cores for 3,000/s | memory, MB | load |")
    print("|---|---|---|---|---|---|---|---|---|")
    for place, path in (("photographs", folder), (f"copy at {SIDE}", copy)):
        for name, loop in LOOPS.items():
            for workers in args.workers:
                found = rate(loop(path, workers), args.read)
                half = len(found.memory_mb) // 2
                memory = f"{max(found.memory_mb[:half]):.0f}, then {max(found.memory_mb[half:]):.0f}"
                per_core = found.images / found.cpu_s
                print(
                    f"| {name} | {place} | {workers} | {found.images / found.clock_s:.0f} | {per_core:.0f} | "
                    f"{1000 / per_core:.2f} | {GPU_RATE / per_core:.1f} | {memory} | {os.getloadavg()[0]:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    run(Args, main)
