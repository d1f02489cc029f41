"""Image folders: geometry against planted pictures, and every way a folder can be wrong."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from experiments.data import resize
from experiments.data.load import DataError, load, prepare
from experiments.datasets import IMAGE_SUFFIXES, info_of
from experiments.spec import DataSpec


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two classes; left third red, middle green, right blue, 12 pixels wide and 4 high; one grey validation image."""
    stripes = np.zeros((4, 12, 3), dtype=np.uint8)
    stripes[:, :4, 0] = stripes[:, 4:8, 1] = stripes[:, 8:, 2] = 255
    save(tmp_path / "train" / "cat" / "a.png", stripes)
    save(tmp_path / "train" / "dog" / "b.png", stripes[:, ::-1].copy())
    save(tmp_path / "val" / "cat" / "c.png", np.full((4, 4), 77, dtype=np.uint8))
    save(tmp_path / "val" / "dog" / "d.png", np.full((16, 8, 3), 9, dtype=np.uint8))
    return tmp_path


def test_short_side_is_resized_and_the_middle_cut_out(images: Path) -> None:
    dataset = load(f"imagefolder:{images}", image_size=4)
    assert tuple(dataset.train.images.shape) == (2, 3, 4, 4)
    assert dataset.train.images.flatten(2).unique(dim=2).squeeze(2).tolist() == [[0, 255, 0]] * 2
    assert dataset.test.images[0].unique().tolist() == [77]
    assert dataset.train.labels.tolist() == dataset.test.labels.tolist() == [0, 1]
    assert dataset.classes == 2
    assert tuple(load(f"imagefolder:{images}").test.images.shape) == (2, 3, 224, 224)


@pytest.mark.parametrize("missing", ["train", "val"])
def test_missing_folder_is_named(images: Path, missing: str) -> None:
    (images / missing).rename(images / "elsewhere")
    with pytest.raises(DataError, match=f"has no folder {missing}/; expected .*/{missing}/CLASS/IMAGE"):
        load(f"imagefolder:{images}")


def test_classes_must_be_the_same(images: Path) -> None:
    (images / "val" / "dog").rename(images / "val" / "wolf")
    with pytest.raises(DataError, match=r"same class folders.*dog, wolf"):
        load(f"imagefolder:{images}")


def test_empty_class_folder_and_broken_image(images: Path) -> None:
    (images / "train" / "cat" / "a.png").write_bytes(b"not a picture")
    with pytest.raises(DataError, match=r"a\.png cannot be read as an image"):
        load(f"imagefolder:{images}")
    (images / "train" / "cat" / "a.png").unlink()
    with pytest.raises(DataError, match="cat"):
        load(f"imagefolder:{images}")


def test_more_than_half_of_the_memory_is_refused(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # 4 images of 3 * 224 * 224 bytes need 602,112 bytes.
    for memory, fits in [(1_204_224, True), (1_204_223, False)]:
        monkeypatch.setattr(resize.psutil, "virtual_memory", lambda memory=memory: SimpleNamespace(total=memory))
        if fits:
            assert len(load(f"imagefolder:{images}").train.images) == 2
        else:
            with pytest.raises(DataError, match=r"4 images of 224x224 need .* more than half of this machine's"):
                load(f"imagefolder:{images}")


def test_a_folder_is_known_ahead_of_decoding_as_torchvision_will_find_it(images: Path) -> None:
    from torchvision.datasets import ImageFolder
    from torchvision.datasets.folder import IMG_EXTENSIONS

    assert set(IMAGE_SUFFIXES) == set(IMG_EXTENSIONS)
    save(images / "train" / "dog" / "deep" / "e.PNG", np.zeros((4, 4), dtype=np.uint8))
    (images / "train" / "dog" / "notes.txt").write_text("not an image")
    (images / "train" / "readme.jpg").write_text("not in a class")
    info = info_of(f"imagefolder:{images}")
    train, val = (ImageFolder(str(images / part)) for part in ("train", "val"))
    assert (
        (info.classes, info.train_images, info.test_images) == (len(train.classes), len(train), len(val)) == (2, 3, 2)
    )
    spec = DataSpec(f"imagefolder:{images}", image_size=4)
    assert (spec.images, spec.shape) == (3, (3, 4, 4))
    assert tuple(load(spec.name, image_size=4).train.images.shape) == (3, 3, 4, 4)


def test_preparing_decodes_nothing(images: Path) -> None:
    (images / "train" / "cat" / "a.png").write_bytes(b"not a picture")
    prepare(DataSpec(f"imagefolder:{images}"))
    with pytest.raises(DataError, match="has no folder train/; expected"):
        prepare(DataSpec(f"imagefolder:{images / 'val'}"))


def test_an_empty_folder_is_named(images: Path) -> None:
    for file in (images / "val").rglob("*.png"):
        file.unlink()
    with pytest.raises(DataError, match=r"val has no images; expected .*/val/CLASS/IMAGE"):
        info_of(f"imagefolder:{images}")
