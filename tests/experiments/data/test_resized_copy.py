"""A resized copy of an image folder: the squares that a run makes, whole whenever it is killed, checked by sums."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.data import resized_copy
from experiments.data.load import DataError, load
from experiments.data.read_image import read_image
from experiments.data.resized_copy import estimate, make, plan
from experiments.own_images import folder

SIDE = 24


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Smooth pictures, two classes; one PNG and one JPEG that lies on its side, as a camera may write it."""
    folder.describe.cache_clear()
    grid = np.linspace(0, 255, 40)
    smooth = np.stack(np.broadcast_arrays(grid[:, None], grid[None, :], 255 - grid[:, None]), 2).astype(np.uint8)[:32]
    for part, label, name in (("train", "cat", "a.png"), ("train", "cat/deep", "b.jpg"), ("train", "dog", "c.jpg"),
                              ("val", "dog", "d.jpg")):  # fmt: skip
        path = tmp_path / "source" / part / label / name
        path.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        exif[0x0112] = 6 if name == "c.jpg" else 1
        Image.fromarray(smooth).save(path, exif=exif, quality=100)
    return tmp_path / "source"


@pytest.mark.parametrize("workers", [0, 2])
def test_a_copy_is_an_image_folder_of_the_squares_that_runs_make(source: Path, tmp_path: Path, workers: int) -> None:
    copies = plan(source, tmp_path / "copy", SIDE, None)
    assert estimate(copies).images == make(copies, workers) == 4
    found = sorted(str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*.jpg"))
    assert found == ["train/cat/a.png.jpg", "train/cat/deep/b.jpg", "train/dog/c.jpg", "val/dog/d.jpg"]
    for name, original in zip(copies.names, copies.sources, strict=True):
        square, buffer = Image.fromarray(read_image(original, SIDE).transpose(1, 2, 0)), io.BytesIO()
        square.save(buffer, "JPEG", quality=95, subsampling="4:2:0")
        assert (tmp_path / "copy" / name).read_bytes() == buffer.getvalue()
    before, after = (load(f"imagefolder:{path}", image_size=SIDE) for path in (source, tmp_path / "copy"))
    assert before.train.labels.tolist() == after.train.labels.tolist() == [0, 0, 1]
    lines = (tmp_path / "copy" / "sums.sha256").read_text().splitlines()
    sums = dict(reversed(line.split("  ")) for line in lines)
    assert {name: hashlib.sha256((tmp_path / "copy" / name).read_bytes()).hexdigest() for name in found} == sums


def test_an_interrupted_copy_is_continued_and_a_damaged_file_written_again(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    make(plan(source, target, SIDE, None), 0)
    whole = {path: path.read_bytes() for path in target.rglob("*.jpg")}
    (target / "train/dog/c.jpg").write_bytes(b"damaged")
    (target / "val/dog/d.jpg").unlink()
    lines = (target / "sums.sha256").read_text().splitlines(keepends=True)
    (target / "sums.sha256").write_text("".join(lines[1:]))  # killed between a file and its sum
    again = plan(source, target, SIDE, None)
    assert make(again, 0) == 3
    assert {path: path.read_bytes() for path in target.rglob("*.jpg")} == whole
    assert make(again, 0) == 0


def test_a_bad_image_too_little_space_and_a_wrong_folder_are_one_line(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = plan(source, tmp_path / "copy", SIDE, None)
    with pytest.raises(DataError, match=r"copy holds another copy .*; choose another folder with --to$"):
        plan(source, tmp_path / "copy", SIDE + 1, None)
    with pytest.raises(DataError, match=r"source is not empty; choose another folder with --to$"):
        plan(source, source, SIDE, None)
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(resized_copy.shutil, "disk_usage", lambda path: usage(free=100))
    with pytest.raises(DataError, match=r"4 images need about .* GiB are free; choose another folder"):
        estimate(copies)
    shutil.copy(__file__, source / "train/dog/c.jpg")
    with pytest.raises(DataError, match=r"^\S*train/dog/c\.jpg cannot be read as an image"):
        make(copies, 0)
