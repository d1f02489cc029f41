"""A run knows the images that it was begun with: any change is told, a mere touch is not."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.data.contents import FILE, check_unchanged, contents, digest
from experiments.dataset_info import DataError
from experiments.spec import DataSpec, RunSpec


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two images of each class and part, as BMP: all files have the same size."""
    folder = tmp_path / "images"
    for k, name in enumerate(f"{part}/{label}/{n}.bmp" for part in ("train", "val") for label in "ab" for n in "xy"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), 20 * k, dtype=np.uint8)).save(folder / name)
    return folder


def swap_classes(folder: Path) -> None:
    for name, other in (("a", "c"), ("b", "a"), ("c", "b")):
        (folder / "train" / name).rename(folder / "train" / other)


def change_a_pixel(folder: Path) -> None:
    """Same size, same time of change."""
    file = folder / "train" / "b" / "x.bmp"
    before = file.stat()
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


CHANGES: list[tuple[Callable[[Path], object], str]] = [
    (swap_classes, "train/a "),
    (change_a_pixel, "train/b "),
    (lambda folder: (folder / "val/b/y.bmp").unlink(), r"test/b \(1 images, .*; it was 2 images, "),
    (lambda folder: (folder / "train/a/x.bmp").rename(folder / "train/a/z.bmp"), "train/a "),
    (lambda folder: shutil.copytree(folder / "train/a", folder / "train/c"), r"train/c \(2 images, .*; it was missing"),
]


@pytest.mark.parametrize(("change", "named"), CHANGES)
def test_a_change_is_refused_with_what_changed(images: Path, change: Callable, named: str) -> None:
    run, spec = images.parent / "run", DataSpec(f"imagefolder:{images}")
    check_unchanged(run, spec)
    change(images)
    with pytest.raises(DataError, match=rf"has changed since {run} was begun: {named}") as error:
        check_unchanged(run, spec)
    assert "\n" not in str(error.value)


def test_what_is_no_change(images: Path) -> None:
    run, spec = images.parent / "run", DataSpec(f"imagefolder:{images}")
    first = check_unchanged(run, spec)
    for file in images.rglob("*.bmp"):
        os.utime(file)
    (images / "train" / "a" / "notes.txt").write_text("seen")
    (images / "train" / ".ipynb_checkpoints").mkdir()
    assert check_unchanged(run, spec) == first
    copy = shutil.copytree(images, images.parent / "elsewhere")
    assert digest(contents(DataSpec(f"imagefolder:{copy}")) or {}) == first
    assert json.loads((run / FILE).read_text())["digest"] == first


def test_contents_do_not_enter_the_runs_identity(images: Path) -> None:
    spec = RunSpec(data=DataSpec(f"imagefolder:{images}"))
    before = spec.run_id
    check_unchanged(images.parent / "run", spec.data)
    change_a_pixel(images)
    assert RunSpec(data=DataSpec(f"imagefolder:{images}")).run_id == before


def test_numpy_archives_too(tmp_path: Path) -> None:
    def write(first: int) -> None:
        pixels = np.array([first, 1, 2, 3], dtype=np.uint8).reshape(4, 1, 1)
        labels = np.array([0, 1, 0, 1])
        np.savez(tmp_path / "a.npz", train_images=pixels, train_labels=labels, test_images=pixels, test_labels=labels)

    spec = DataSpec(f"npz:{tmp_path}/a.npz")
    write(0)
    check_unchanged(tmp_path / "run", spec)
    check_unchanged(tmp_path / "run", spec)
    write(9)
    with pytest.raises(DataError, match=r"test_images\.npy .* and 1 more; restore the images, or train in another"):
        check_unchanged(tmp_path / "run", spec)


def test_a_damaged_record_is_named(images: Path) -> None:
    run, spec = images.parent / "run", DataSpec(f"imagefolder:{images}")
    check_unchanged(run, spec)
    (run / FILE).write_text("{")
    with pytest.raises(DataError, match=r"data\.json cannot be read; delete it if .* has not changed"):
        check_unchanged(run, spec)


def test_published_data_sets_have_sums_of_their_own(tmp_path: Path) -> None:
    assert check_unchanged(tmp_path / "run", DataSpec("digits")) is None
    assert not (tmp_path / "run").exists()
