"""A user's own images in memory: folders, NumPy archives, registered functions; splits; labels that cannot be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from experiments import datasets, machine
from experiments.data.load import DataError, load, prepare
from experiments.data.own import stratified
from experiments.dataset_info import DatasetInfo
from experiments.loading import Loading
from experiments.own_images import folder, npz
from experiments.spec import DataSpec


@pytest.fixture(autouse=True)
def _looked_at_anew() -> None:
    folder.describe.cache_clear()
    npz.describe.cache_clear()


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


def test_short_side_is_resized_and_the_centre_cropped(images: Path) -> None:
    dataset = load(f"imagefolder:{images}", image_size=4)
    assert tuple(dataset.train.images.shape) == (2, 3, 4, 4)
    assert dataset.train.images.flatten(2).unique(dim=2).squeeze(2).tolist() == [[0, 255, 0]] * 2
    assert dataset.test.images[0].unique().tolist() == [77]
    assert dataset.train.labels.tolist() == dataset.test.labels.tolist() == [0, 1]
    assert dataset.classes == 2
    assert tuple(load(f"imagefolder:{images}").test.images.shape) == (2, 3, 224, 224)


def test_the_spec_knows_counts_and_shape_ahead_of_loading(images: Path) -> None:
    spec = DataSpec(f"imagefolder:{images}", image_size=4)
    dataset = load(spec.name, image_size=4)
    assert (spec.images, spec.shape) == (len(dataset.train.images), tuple(dataset.train.images.shape[1:]))


def test_a_missing_test_class_keeps_the_numbers(images: Path) -> None:
    (images / "val" / "cat" / "c.png").unlink()
    assert load(f"imagefolder:{images}", image_size=4).test.labels.tolist() == [1]


def test_a_bad_image_is_named(images: Path) -> None:
    (images / "train" / "cat" / "a.png").write_bytes(b"not a picture")
    folder.describe.cache_clear()
    with pytest.raises(DataError, match=r"train/cat/a\.png cannot be read as an image"):
        load(f"imagefolder:{images}")


def test_images_that_vanish_while_in_use_are_noticed(images: Path) -> None:
    save(images / "train" / "dog" / "e.png", np.zeros((4, 4), dtype=np.uint8))
    assert load(f"imagefolder:{images}", image_size=4).train.labels.tolist() == [0, 1, 1]
    (images / "train" / "dog" / "e.png").unlink()
    with pytest.raises(DataError, match=r"changed while it was in use: 2 \+ 2 images"):
        load(f"imagefolder:{images}", image_size=4)


def test_more_than_half_of_the_memory_is_refused(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # 4 images of 3 * 224 * 224 bytes need 602,112 bytes.
    for memory, fits in [(1_204_224, True), (1_204_223, False)]:
        monkeypatch.setattr(machine.psutil, "virtual_memory", lambda memory=memory: SimpleNamespace(total=memory))
        if fits:
            assert len(load(f"imagefolder:{images}", loading=Loading("never")).train.images) == 2
        else:
            with pytest.raises(DataError, match=r"4 images of 224x224 need .* more than half of this machine's"):
                load(f"imagefolder:{images}", loading=Loading("never"))


def test_preparing_decodes_nothing(images: Path) -> None:
    data = (images / "train" / "cat" / "a.png").read_bytes()
    (images / "train" / "cat" / "a.png").write_bytes(data[:-30])  # the header is whole
    prepare(DataSpec(f"imagefolder:{images}"))
    with pytest.raises(DataError, match=r"a\.png cannot be read"):
        load(f"imagefolder:{images}")


def test_a_split_is_stratified_and_the_same_in_every_run(tmp_path: Path) -> None:
    """Image k of a class is filled with k, so that it can be told which ones are held out."""
    for label, count in (("cat", 20), ("dog", 10)):
        for k in range(count):
            save(tmp_path / label / f"{k:02}.png", np.full((2, 2), k, dtype=np.uint8))
    dataset = load(f"imagefolder:{tmp_path}", image_size=2, split=0.8)
    assert (len(dataset.train.labels), len(dataset.test.labels)) == (24, 6)
    for label, count in ((0, 20), (1, 10)):
        kept, held = (s.images[s.labels == label, 0, 0, 0].tolist() for s in (dataset.train, dataset.test))
        assert sorted(kept + held) == list(range(count))
        assert len(held) == count // 5
        assert held != list(range(count - count // 5, count))  # drawn, not the last ones
    again = load(f"imagefolder:{tmp_path}", image_size=2, split=0.8)
    assert torch.equal(again.test.images, dataset.test.images)


def test_a_split_of_one_class_does_not_depend_on_the_others() -> None:
    alone, beside = stratified([0] * 10, ["cat"], 0.7), stratified([1, 0] * 10, ["ant", "cat"], 0.7)
    assert [k // 2 for k in beside[1] if k % 2 == 0] == alone[1]
    assert len(alone[1]) == 3


def arrays(**changes: np.ndarray | None) -> dict[str, np.ndarray]:
    """Six training and three test images of 2 x 3 pixels, image k filled with k; labels 0, 1, 2, 0, ..."""
    pixels = np.arange(9, dtype=np.uint8).repeat(6).reshape(9, 2, 3)
    labels = (np.arange(9) % 3)[:, None]
    whole = {
        "train_images": pixels[:6], "train_labels": labels[:6], "test_images": pixels[6:], "test_labels": labels[6:],
    }  # fmt: skip
    return {key: array for key, array in (whole | changes).items() if array is not None}


def archive(folder: Path, **changes: np.ndarray | None) -> str:
    np.savez(folder / "mine.npz", **arrays(**changes))
    npz.describe.cache_clear()
    return f"npz:{folder}/mine.npz"


def test_numpy_archive_of_grey_images(tmp_path: Path) -> None:
    name = archive(tmp_path)
    info, dataset = datasets.info_of(name), load(name)
    assert (info.classes, info.train_images, info.test_images, info.shape) == (3, 6, 3, (1, 2, 3))
    assert dataset.train.images[:, 0, 1, 2].tolist() == [0, 1, 2, 3, 4, 5]
    assert dataset.test.images[:, 0, 0, 0].tolist() == [6, 7, 8]
    assert dataset.train.labels.tolist() == [0, 1, 2] * 2
    assert tuple(load(name, image_size=5).test.images.shape) == (3, 1, 5, 5)


def test_numpy_archive_of_colour_images_is_turned_channels_first(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
    dataset = load(archive(tmp_path, train_images=pixels, test_images=pixels[:3]))
    assert tuple(dataset.train.images.shape) == (6, 3, 4, 5)
    assert dataset.train.images[2, 1, 3, 4] == pixels[2, 3, 4, 1]


def test_numpy_archive_without_a_test_set(tmp_path: Path) -> None:
    whole = arrays()
    name = archive(
        tmp_path, test_images=None, test_labels=None, val_images=whole["test_images"], val_labels=whole["test_labels"]
    )
    assert load(name).test.images[:, 0, 0, 0].tolist() == [6, 7, 8]
    assert datasets.info_of(name).notes == ("val_images is the test set, since there is no test_images",)
    name = archive(tmp_path, test_images=None, test_labels=None)
    with pytest.raises(DataError, match=r"has no test_images; .* --split 0\.8"):
        load(name)
    dataset = load(name, split=0.5)
    assert sorted(dataset.train.labels.tolist()) == sorted(dataset.test.labels.tolist()) == [0, 1, 2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_labels": None}, r"mine\.npz has no array train_labels"),
        ({"train_images": np.zeros((6, 2, 3), np.float32)}, r"train_images must be uint8 .* not float32 \(6, 2, 3\)"),
        ({"train_images": np.zeros((6, 2, 3, 5), np.uint8)}, r"train_images must be uint8 .* not uint8 \(6, 2, 3, 5\)"),
        ({"train_images": np.zeros((5, 2, 3), np.uint8)}, "train_images and train_labels differ in length"),
        ({"test_images": np.zeros((3, 9, 9), np.uint8)}, "train_images and test_images differ in height"),
        ({"train_labels": np.zeros((6, 14), int)}, r"train_labels must hold one integer per image, .* int64 \(6, 14\)"),
        ({"train_labels": np.array([0, 1, 2, 0, 1, -1])}, "train_labels must hold one integer from 0"),
        ({"train_labels": np.array([0, 1, 3, 0, 1, 3])}, "no image has the label 2; .* without a gap"),
        ({"train_labels": np.array([0, 1, 9, 0, 1, 9])}, "labels up to 9 for 6 images"),
        ({"train_labels": np.zeros(6, int)}, "has only the class 0; at least two"),
        ({"test_labels": np.array([0, 1, 3])}, "a test image has the label 3; labels are 0 to 2"),
        ({"train_labels": np.array([{}] * 6, object)}, "Object arrays cannot be loaded when allow_pickle=False"),
    ],
)
def test_numpy_archive_that_cannot_be_used(tmp_path: Path, changes: dict, message: str) -> None:
    name = archive(tmp_path, **changes)
    with pytest.raises(DataError, match=message) as error:
        load(name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"not an archive", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_numpy_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"mine\.npz cannot be read as an \.npz archive"):
        load(f"npz:{tmp_path}/mine.npz")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_numpy_archive_is_read_or_refused(tmp_path: Path, save: Callable[..., None]) -> None:
    save(tmp_path / "good.npz", **arrays())
    good, rng, outcomes = (tmp_path / "good.npz").read_bytes(), np.random.default_rng(0), Counter[str]()
    for _ in range(300):
        raw = bytearray(good)
        for _ in range(rng.integers(1, 9)):
            raw[rng.integers(len(raw))] ^= 1 << rng.integers(8)
        (tmp_path / "bad.npz").write_bytes(raw[: rng.integers(1, 2 * len(raw))])
        npz.describe.cache_clear()
        try:
            load(f"npz:{tmp_path}/bad.npz")
            outcomes["read"] += 1
        except DataError as error:
            outcomes["refused"] += str(error).isprintable()
    assert outcomes.total() == 300
    assert outcomes["refused"] > 200


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of data sets that this test alone adds to."""
    monkeypatch.setattr(datasets, "_table", dict(datasets.DATASETS))
    monkeypatch.setattr(datasets, "DATASETS", datasets._table)


def squares() -> tuple[np.ndarray, np.ndarray, np.ndarray, torch.Tensor]:
    images = np.arange(24, dtype=np.uint8).reshape(6, 1, 2, 2)
    return images[:4], np.array([0, 1, 0, 1]), images[4:], torch.tensor([1, 0])


def add(name: str = "squares", loader: datasets.Loader = squares, **changes: object) -> DatasetInfo:
    fields = {"classes": 2, "train_images": 4, "test_images": 2, "shape": (1, 2, 2)} | changes
    return datasets.register(name, loader, **fields)


@pytest.mark.usefixtures("table")
def test_a_registered_function_is_a_data_set_like_any_other() -> None:
    add()
    add()  # a file that is read again
    spec, dataset = DataSpec("squares", train_images=2), load("squares", train_images=2)
    assert (spec.images, spec.shape) == (2, (1, 2, 2))
    assert dataset.train.images.flatten().tolist() == list(range(8))
    assert (dataset.train.labels.tolist(), dataset.test.labels.tolist()) == ([0, 1], [1, 0])
    with pytest.raises(DataError, match=r"unknown data set 'square'; choose from digits, .*, squares or imagefolder:"):
        load("square")


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "digits"}, "there is already a data set named 'digits'"),
        ({"name": "a:b"}, "'a:b' is not a valid name"),
        ({"train_images": 5}, r"train_images are uint8 \(4, 1, 2, 2\), not uint8 \(5, 1, 2, 2\)"),
        ({"classes": 1}, "a training image has the label 1; labels are 0 to 0"),
        ({"classes": 3}, "no training image has the label 2; labels are 0 to 2"),
        ({"loader": lambda: (1, 2)}, "its loader must return four arrays"),
        ({"loader": lambda: (squares()[0] / 255, *squares()[1:])}, r"train_images are float64 .* not uint8"),
    ],
)
def test_a_registration_that_cannot_be_used(changes: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(add(**changes).name)


@pytest.mark.usefixtures("table")
def test_two_functions_cannot_have_one_name() -> None:
    add()
    with pytest.raises(DataError, match="there is already a data set named 'squares'"):
        add(loader=lambda: squares())
