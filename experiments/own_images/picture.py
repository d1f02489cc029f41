"""Opening image files that nobody vouches for: known formats, regular files, a bounded number of pixels."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import stat
import statistics
import warnings
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, BinaryIO

from experiments.dataset_info import DataError

if TYPE_CHECKING:
    from PIL import Image

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # those of torchvision
FORMATS = ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP", "GIF")  # no format whose reader starts another program
MAX_PIXELS = 89_478_485  # Pillow's limit against decompression bombs: 256 MiB of RGB
MAX_USUAL_SIZE = 224
SAMPLED = 1000
REASON_CHARACTERS = 200


@contextlib.contextmanager
def opened(name: str, raw: bytes | None = None) -> Generator[Image.Image]:
    """The image in the file `name` (or in `raw`), its header read; the pixels are decoded when they are used.

    Raises DataError, naming the file, for whatever is wrong with it, also while it is decoded in the `with` block.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with regular_file(name) if raw is None else io.BytesIO(raw) as file, Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels, more than {MAX_PIXELS:,}; make it smaller")
            yield image
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(f"{name} cannot be read as an image: not one of {', '.join(FORMATS)}, or damaged") from None
    except Exception as error:  # Pillow's readers let through nearly anything for a damaged file
        reason = " ".join(str(error).split())[:REASON_CHARACTERS] or type(error).__name__
        raise DataError(f"{name} cannot be read as an image: {reason}") from error


def regular_file(name: str) -> BinaryIO:
    """A file opened for reading. Raises DataError for one that is empty, a pipe, a device or a folder."""
    flags = getattr(os, "O_NONBLOCK", 0)  # else opening a pipe waits for its other end
    try:
        file = open(name, "rb", opener=lambda path, mode: os.open(path, mode | flags))  # noqa: SIM115
    except OSError as error:
        raise DataError(f"{name} cannot be opened: {error.strerror}") from error
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        file.close()
        raise DataError(f"{name} is empty" if stat.S_ISREG(status.st_mode) else f"{name} is not a regular file")
    return file


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Without Pillow's warnings and log on odd or damaged files. Around a pool of threads, not within one."""
    logger = logging.getLogger("PIL")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            logger.setLevel(level)


def usual_size(short_sides: Sequence[int]) -> int:
    """min(round(median of the short sides), 224), in pixels."""
    return min(round(statistics.median(short_sides)), MAX_USUAL_SIZE)


def sampled(count: int) -> range:
    """At most SAMPLED of the indices below `count`, evenly spaced."""
    return range(0, count, -(-count // SAMPLED) or 1)


def short_sides(files: Sequence[str]) -> list[int]:
    """The short side, in pixels, of at most SAMPLED of the files, from their headers. Raises DataError."""
    sides = []
    with quiet():
        for index in sampled(len(files)):
            with opened(files[index]) as image:
                sides.append(min(image.size))
    return sides
