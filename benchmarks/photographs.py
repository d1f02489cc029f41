"""A folder of photographs of 500 x 375 pixels, cut from scikit-learn's two sample pictures."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (500, 375)
CLASSES = 10
QUALITY = 95  # about 75 kB a file; ImageNet's have 110 kB
TEST_SHARE = 50  # one image in so many is in val/


def make(folder: Path, count: int) -> Path:
    """`count` photographs in train/ and val/ of `folder`, unless they are there; the same ones every time."""
    missing = [k for k in range(count) if not path_of(folder, k).is_file()]
    for k in range(min(CLASSES * TEST_SHARE, count)):
        path_of(folder, k).parent.mkdir(parents=True, exist_ok=True)
    blocks = [missing[start : start + 100] for start in range(0, len(missing), 100)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_write, [folder] * len(blocks), blocks))
    return folder


def path_of(folder: Path, number: int) -> Path:
    part = "train" if number // CLASSES % TEST_SHARE else "val"
    return folder / part / f"class{number % CLASSES}" / f"{number:05}.jpg"


def _write(folder: Path, numbers: list[int]) -> None:
    from sklearn.datasets import load_sample_images

    pictures = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    for number in numbers:
        part = path_of(folder, number).with_suffix(".part")
        photograph(pictures, number).save(part, "JPEG", quality=QUALITY)
        os.replace(part, path_of(folder, number))


def photograph(pictures: list[Image.Image], number: int) -> Image.Image:
    """A cut of 60 to 100 % of a picture's width, mirrored or not, its colours scaled by 0.7 to 1.3."""
    draw = np.random.default_rng(number)
    picture = pictures[number % len(pictures)]
    width = draw.uniform(0.6, 0.88) * picture.width
    height = width * SIZE[1] / SIZE[0]
    left, top = draw.uniform(0, picture.width - width), draw.uniform(0, picture.height - height)
    cut = picture.resize(SIZE, Image.Resampling.BICUBIC, (left, top, left + width, top + height))
    cut = cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if draw.random() < 0.5 else cut
    return cut.point([min(255, round(value * scale)) for scale in draw.uniform(0.7, 1.3, 3) for value in range(256)])
