"""The user's own images, PATH/train/CLASS/*.jpg and PATH/val/CLASS/*.jpg, decoded into memory."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from experiments.data.formats import Arrays
from experiments.data.resize import check_memory
from experiments.datasets import DataError


def read_image_folder(path: Path, size: int) -> tuple[Arrays, int]:
    """RGB images (N, 3, size, size), labels as int64 (N,), and the number of classes, taken from the folders' names.

    The short side is resized to `size` (bilinear, antialiased) and the centre cropped; the val/ folder is the test set.
    All images are held in memory, 3 * size**2 bytes each; DataError if that is more than half of the machine's memory.
    """
    for name in ("train", "val"):
        if not (path / name).is_dir():
            raise DataError(f"{path} has no folder {name}/; expected {path}/{name}/CLASS/IMAGE")
    try:
        from torchvision.datasets import ImageFolder
    except (ImportError, RuntimeError, OSError) as error:
        raise DataError(f"imagefolder needs torchvision, which cannot be imported: {error}") from error

    try:
        train, val = (ImageFolder(str(path / name)) for name in ("train", "val"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: {' '.join(str(error).split())}") from error
    if train.classes != val.classes:
        odd = ", ".join(sorted(set(train.classes) ^ set(val.classes)))
        raise DataError(f"{path}: train/ and val/ must have the same class folders; only one of them has: {odd}")

    check_memory(str(path), len(train) + len(val), 3, size)
    arrays = Arrays(
        _decode(train.samples, size), np.array(train.targets), _decode(val.samples, size), np.array(val.targets)
    )
    return arrays, len(train.classes)


def _decode(samples: list[tuple[str, int]], size: int) -> np.ndarray:
    """The images of ImageFolder's samples, in the same order."""
    from rich.console import Console
    from rich.progress import track

    images = np.empty((len(samples), 3, size, size), dtype=np.uint8)
    console = Console(stderr=True)
    hidden = not console.is_terminal
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        decoded = pool.map(lambda sample: _read_image(sample[0], size), samples)
        bar = track(decoded, "decoding images", len(samples), console=console, transient=True, disable=hidden)
        for index, image in enumerate(bar):
            images[index] = image
    return images


def _read_image(file: str, size: int) -> np.ndarray:
    """One RGB image, uint8 (3, size, size)."""
    from PIL import Image

    try:
        with Image.open(file) as picture:
            rgb = picture.convert("RGB")
    except (OSError, SyntaxError) as error:
        raise DataError(f"{file} cannot be read as an image: {error}") from error
    short = min(rgb.size)
    width, height = (int(size * pixels / short) for pixels in rgb.size)
    left, top = round((width - size) / 2), round((height - size) / 2)
    resized = rgb.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized.crop((left, top, left + size, top + size))).transpose(2, 0, 1)
