"""One image: every mode, depth, orientation and kind of damage, against pixels written by hand."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from torchvision.transforms import functional

from experiments.data.read_image import read_image, to_rgb
from experiments.dataset_info import DataError
from experiments.own_images import picture
from experiments.own_images.picture import opened, quiet

RED, WHITE = (255, 0, 0), (255, 255, 255)


def pixels(path: Path) -> np.ndarray:
    """(H, W, 3)"""
    with opened(str(path)) as image:
        return np.asarray(to_rgb(image))


def saved(folder: Path, image: Image.Image, suffix: str = ".png", **options: object) -> Path:
    path = folder / f"image{suffix}"
    image.save(path, **options)
    return path


@pytest.mark.parametrize(
    ("mode", "colour", "suffix", "rgb"),
    [
        ("RGB", (10, 200, 30), ".png", (10, 200, 30)),
        ("L", 77, ".png", (77, 77, 77)),
        ("1", 1, ".png", (255, 255, 255)),
        ("LA", (77, 255), ".png", (77, 77, 77)),
        ("CMYK", (255, 0, 0, 0), ".tif", (0, 255, 255)),
        ("CMYK", (0, 0, 0, 255), ".tif", (0, 0, 0)),
        ("RGBA", (255, 0, 0, 255), ".png", RED),
        ("RGBA", (255, 0, 0, 0), ".png", WHITE),  # transparent: the white background
        ("RGBA", (255, 0, 0, 51), ".png", (255, 204, 204)),  # 51/255 = 1/5 red
        ("LA", (0, 51), ".png", (204, 204, 204)),
    ],
)
def test_colour_modes(tmp_path: Path, mode: str, colour: object, suffix: str, rgb: tuple[int, int, int]) -> None:
    found = pixels(saved(tmp_path, Image.new(mode, (3, 2), colour), suffix))
    assert found.shape == (2, 3, 3)
    assert found.reshape(-1, 3).tolist() == [list(rgb)] * 6


def test_palette_with_and_without_a_transparent_colour(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, 0, 0, 255])
    image.putpixel((1, 0), 1)
    assert pixels(saved(tmp_path, image)).tolist() == [[[255, 0, 0], [0, 0, 255]]]
    assert pixels(saved(tmp_path, image, transparency=1)).tolist() == [[[255, 0, 0], [255, 255, 255]]]


@pytest.mark.parametrize(
    ("values", "grey"),
    [
        (np.array([[0, 257, 65535]], dtype=np.uint16), [0, 1, 255]),
        (np.array([[0, 128 * 257, 200]], dtype=np.uint16), [0, 128, 1]),  # a dark 16-bit image stays dark
        (np.array([[0, 100, 255]], dtype=np.int32), [0, 100, 255]),
        (np.array([[0, 25700, 65535]], dtype=np.int32), [0, 100, 255]),
        (np.array([[0, 0.2, 1]], dtype=np.float32), [0, 51, 255]),
        (np.array([[0, 100, 255]], dtype=np.float32), [0, 100, 255]),
        (np.array([[0, 25700, 65535]], dtype=np.float32), [0, 100, 255]),
    ],
)
def test_more_than_8_bits_are_scaled(tmp_path: Path, values: np.ndarray, grey: list[int]) -> None:
    found = pixels(saved(tmp_path, Image.fromarray(values), ".tif"))
    assert found[0].tolist() == [[v, v, v] for v in grey]


@pytest.mark.parametrize("suffix", [".png", ".pgm"])
def test_16_bits_are_read_alike_from_png_and_pgm(tmp_path: Path, suffix: str) -> None:
    """A PGM of 65535 levels is read by Pillow as int32, and must not be taken for 8 bits when it is dark."""
    path = tmp_path / f"image{suffix}"
    if suffix == ".pgm":
        path.write_bytes(b"P5 3 1 65535\n" + struct.pack(">3H", 0, 200, 128 * 257))
    else:
        Image.fromarray(np.array([[0, 200, 128 * 257]], dtype=np.uint16)).save(path)
    assert pixels(path)[0, :, 0].tolist() == [0, 1, 128]


@pytest.mark.parametrize("values", [[-1.0, 5.0], [0.0, 1e6], [0.0, np.nan], [np.inf, 1.0]])
def test_values_without_a_known_range_are_refused(tmp_path: Path, values: list[float]) -> None:
    path = saved(tmp_path, Image.fromarray(np.array([values], dtype=np.float32)), ".tif")
    with pytest.raises(DataError, match=r"image\.tif cannot be read as an image: values from .* 8 bits per channel"):
        pixels(path)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    """The corner that EXIF says is the upper left one, by tag 0x0112 of the EXIF standard (row, column of pixel 0)."""
    upper_left = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}[orientation]
    image = Image.new("RGB", (48, 32), WHITE)
    image.paste(RED, (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = pixels(saved(tmp_path, image, ".jpg", exif=exif, quality=95))
    assert found.shape == ((32, 48, 3) if orientation <= 4 else (48, 32, 3))
    corner = found[0 if upper_left[0] == 0 else -1, 0 if upper_left[1] == 0 else -1].astype(int)
    assert np.abs(corner - RED).max() < 30
    assert np.array_equal(found, np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "image.jpg"))))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (5, 3), (3, 5), (100, 37), (37, 100), (64, 64), (250, 16)])
@pytest.mark.parametrize("size", [1, 8, 37, 224])
def test_geometry_is_torchvisions_resize_and_centre_crop(tmp_path: Path, width: int, height: int, size: int) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))
    theirs = np.asarray(functional.center_crop(functional.resize(image, size), size))
    assert np.array_equal(read_image(str(saved(tmp_path, image)), size), theirs.transpose(2, 0, 1))


def test_a_line_of_pixels_is_not_blown_up(tmp_path: Path) -> None:
    """60,000 x 1 pixels with the short side at 224 would be 13.4 million pixels wide, 9 GB."""
    line = np.zeros((1, 60_000), dtype=np.uint8)
    line[0, 29_999:30_001] = 255  # the centre is what is left
    found = read_image(str(saved(tmp_path, Image.fromarray(line))), 224)
    assert found.shape == (3, 224, 224)
    assert found[:, :, 112].min() > 200


def test_grey_is_read_with_one_channel_where_asked(tmp_path: Path) -> None:
    assert read_image(str(saved(tmp_path, Image.new("L", (4, 4), 9))), 4, channels=1).tolist() == [[[9] * 4] * 4]


def png(width: int, height: int, data: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a picture", "not one of JPEG, PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not one of JPEG, PNG"),  # would start Ghostscript
        (jpeg()[:700], "image file is truncated"),
        (png(4, 4, b"broken"), ""),
        (png(30_000, 30_000, zlib.compress(b"")), "decompression bomb"),
        (png(12_000, 12_000, zlib.compress(b"")), "12000 x 12000 pixels, more than 89,478,485; make it smaller"),
    ],
)
def test_what_is_not_an_image_is_named_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with quiet(), pytest.raises(DataError, match=rf"bad\.png cannot be read as an image: .*{message}") as error:
        read_image(str(path), 8)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_pipe_a_device_and_an_empty_file_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", Path("/dev/zero")):
        with pytest.raises(DataError, match=f"{path} is not a regular file"):
            read_image(str(path), 8)
    with pytest.raises(DataError, match=f"{tmp_path} cannot be opened: Is a directory"):
        read_image(str(tmp_path), 8)
    (tmp_path / "empty.png").touch()
    with pytest.raises(DataError, match=r"empty\.png is empty"):
        read_image(str(tmp_path / "empty.png"), 8)
    with pytest.raises(DataError, match=r"absent\.png cannot be opened: No such file"):
        read_image(str(tmp_path / "absent.png"), 8)


def test_out_of_memory_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise MemoryError

    path = saved(tmp_path, Image.new("L", (4, 4)))
    monkeypatch.setattr(ImageOps, "exif_transpose", fails)
    with pytest.raises(DataError, match=r"image\.png cannot be read as an image: MemoryError"):
        read_image(str(path), 8)
    assert picture.MAX_PIXELS == Image.MAX_IMAGE_PIXELS
