"""The photographs that reading is timed on, and that each loop reads what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import loading, photographs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photographs.make(tmp_path_factory.mktemp("loading") / "photographs", 30)


def test_photographs_are_the_same_every_time_and_differ_from_each_other(folder: Path, tmp_path: Path) -> None:
    files = sorted(folder.rglob("*.jpg"))
    assert [len(list((folder / part).rglob("*.jpg"))) for part in ("train", "val")] == [20, 10]
    again = photographs.make(tmp_path / "again", 30)
    assert [path.read_bytes() for path in files] == [path.read_bytes() for path in sorted(again.rglob("*.jpg"))]
    assert len({path.read_bytes() for path in files}) == 30
    with Image.open(files[0]) as image:
        assert (image.size, image.mode, image.format) == ((500, 375), "RGB", "JPEG")


@pytest.mark.parametrize("name", loading.LOOPS)
def test_a_loop_reads_the_images_that_it_counts(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(loading, "BATCH", 10)
    found = loading.rate(loading.LOOPS[name](folder, 0), 30)
    assert found.images == 30
    assert found.cpu_s > 0
    assert found.clock_s > 0


@pytest.mark.filterwarnings("ignore:The image decoding and encoding capabilities of TorchVision:DeprecationWarning")
def test_the_decoders_agree_on_the_pixels_where_they_do_the_same(folder: Path) -> None:
    """torchvision and Pillow hold the same decoder; their resizing rounds differently."""
    found, raw = loading.decoders(), photographs.path_of(folder, 3).read_bytes()
    pixels = np.asarray(found["Pillow"](raw))
    ours = found["torchvision"](raw)
    assert isinstance(ours, torch.Tensor)
    assert (ours.permute(1, 2, 0).numpy() == pixels).all()
    used, other = found["Pillow, resized by Pillow (used)"](raw), found["torchvision, resized by torchvision"](raw)
    assert isinstance(other, torch.Tensor)
    assert np.abs(np.asarray(used).astype(int) - other.permute(1, 2, 0).numpy()).max() == 1
