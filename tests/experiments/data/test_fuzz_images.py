"""Thousands of damaged image files: every one is read or refused in one line, quickly and in little memory."""

from __future__ import annotations

import io
import resource
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.data.read_image import read_image
from experiments.dataset_info import DataError
from experiments.own_images.picture import quiet

SECONDS, BYTES = 10.0, 1 << 30  # for one image; most that an image of MAX_PIXELS pixels may need
MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "PNG": ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"),
    "BMP": ("RGB", "L", "P"),
    "PPM": ("RGB", "L"),
    "TIFF": ("RGB", "RGBA", "L", "CMYK", "I;16", "I", "F"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("P", "L"),
}
OPTIONS = {"TIFF": ({}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}, {"compression": "jpeg"})}


def originals() -> Iterator[bytes]:
    """A small image of every format, mode and compression, with an EXIF orientation where the format has one."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind, modes in MODES.items():
        for mode in modes:
            image = Image.fromarray(pixels).convert("L" if mode == "I;16" else "RGB").convert(mode)
            for options in OPTIONS.get(kind, ({},)):
                if options.get("compression") == "jpeg" and mode not in ("RGB", "L"):
                    continue
                extra = {"exif": exif} if kind in ("JPEG", "PNG", "WEBP", "TIFF") else {}
                file = io.BytesIO()
                image.save(file, kind, **options, **extra)
                yield file.getvalue()


def flip_bits(raw: bytearray, rng: np.random.Generator) -> bytearray:
    for _ in range(rng.integers(1, 9)):
        raw[rng.integers(len(raw))] ^= 1 << rng.integers(8)
    return raw


def in_the_header(raw: bytearray, rng: np.random.Generator) -> bytearray:
    for _ in range(rng.integers(1, 5)):
        raw[rng.integers(min(64, len(raw)))] = rng.integers(256)
    return raw


def extreme_number(raw: bytearray, rng: np.random.Generator) -> bytearray:
    value = [0, 1, 0x7F, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF][rng.integers(7)]
    order = "<>"[rng.integers(2)]
    number = struct.pack(f"{order}I", value) if value > 0xFFFF or rng.integers(2) else struct.pack(f"{order}H", value)
    at = rng.integers(min(200, len(raw)))
    raw[at : at + len(number)] = number
    return raw


def truncate(raw: bytearray, rng: np.random.Generator) -> bytearray:
    return raw[: rng.integers(len(raw))]


def cut_out(raw: bytearray, rng: np.random.Generator) -> bytearray:
    at = rng.integers(len(raw))
    del raw[at : at + rng.integers(1, 64)]
    return raw


def repeat(raw: bytearray, rng: np.random.Generator) -> bytearray:
    at, to = rng.integers(len(raw), size=2)
    return raw[:to] + raw[at : at + rng.integers(1, 200)] + raw[to:]


def noise(raw: bytearray, rng: np.random.Generator) -> bytearray:
    at = rng.integers(len(raw))
    raw[at : at + 32] = rng.bytes(32)
    return raw


MUTATIONS: tuple[Callable[[bytearray, np.random.Generator], bytearray], ...] = (
    flip_bits, in_the_header, extreme_number, truncate, cut_out, repeat, noise,
)  # fmt: skip


def fuzz(per_original: int, seed: int) -> Counter[str]:
    """Read every original and `per_original` mutations of each; how many were read and refused. Fails on all else."""
    rng, outcomes = np.random.default_rng(seed), Counter[str]()
    with quiet():
        for original in originals():
            assert read_image("original", 8, raw=original).shape == (3, 8, 8)
            for _ in range(per_original):
                raw = bytearray(original)
                for _ in range(rng.integers(1, 4)):
                    raw = MUTATIONS[rng.integers(len(MUTATIONS))](raw, rng) or bytearray(b"\0")
                started = time.process_time()
                try:
                    pixels = read_image("mutated", 8, raw=bytes(raw))
                    assert (pixels.shape, pixels.dtype) == ((3, 8, 8), np.uint8)
                    outcomes["read"] += 1
                except DataError as error:
                    check_message(str(error))
                    outcomes["refused"] += 1
                assert time.process_time() - started < SECONDS
    return outcomes


def check_message(text: str) -> None:
    assert text.startswith("mutated cannot be read as an image: ")
    assert text.isprintable()  # one line, no control characters
    assert len(text) < 300


def memory() -> int:
    """Most bytes that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def test_damaged_images_are_read_or_refused() -> None:
    before, outcomes = memory(), fuzz(per_original=15, seed=0)
    assert outcomes.total() == 15 * len(list(originals())) > 500
    assert min(outcomes.values()) > 50  # both happen
    assert memory() - before < BYTES


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
def test_many_damaged_images_are_read_or_refused(seed: int) -> None:
    before, outcomes = memory(), fuzz(per_original=200, seed=seed)
    assert outcomes.total() > 6000
    assert memory() - before < BYTES


@pytest.mark.parametrize("content", [b"\0", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"P6", b"GIF89a"])
def test_nothing_but_a_signature(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.png cannot be read as an image"):
        read_image(str(tmp_path / "a.png"), 8)
