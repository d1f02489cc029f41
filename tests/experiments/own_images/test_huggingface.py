"""Hugging Face data sets written by that library, and what is said without it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from experiments.data import contents
from experiments.data.load import DataError, load
from experiments.own_images import huggingface
from experiments.spec import DataSpec


@pytest.fixture(autouse=True)
def _looked_at_anew() -> None:
    for function in (huggingface.describe, huggingface.parts, contents._huggingface):
        function.cache_clear()


def test_without_the_library_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"^hf:owner/name needs the package datasets: pip install datasets$"):
        load("hf:owner/name")


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    return pytest.importorskip("datasets", reason="the optional package datasets")


def rows(library: Any, count: int, mode: str = "RGB", names: tuple[str, ...] = ("cat", "dog"), side: int = 6) -> Any:
    """Image k is filled with k, 2 pixels wider than high; labels alternate."""
    features = library.Features({"image": library.Image(), "label": library.ClassLabel(names=list(names))})
    images = [Image.fromarray(np.full((side, side + 2), k, dtype=np.uint8)).convert(mode) for k in range(count)]
    labels = [k % len(names) for k in range(count)]
    return library.Dataset.from_dict({"image": images, "label": labels}, features=features)


@pytest.mark.parametrize(("mode", "channels"), [("RGB", 3), ("L", 1)])
def test_a_saved_data_set(library: Any, tmp_path: Path, mode: str, channels: int) -> None:
    parts = {"train": rows(library, 8, mode), "test": rows(library, 4, mode)}
    library.DatasetDict(parts).save_to_disk(tmp_path / "saved")
    name = f"hf:{tmp_path}/saved"
    spec, dataset = DataSpec(name), load(name)
    assert (spec.images, spec.shape, spec.info.classes) == (8, (channels, 6, 6), 2)
    assert tuple(dataset.train.images.shape) == (8, channels, 6, 6)
    assert dataset.train.images[:, 0, 0, 0].tolist() == list(range(8))
    assert dataset.test.labels.tolist() == [0, 1, 0, 1]
    before = contents.contents(spec)
    library.DatasetDict({**parts, "test": rows(library, 5, mode)}).save_to_disk(tmp_path / "other")
    now = contents.contents(DataSpec(f"hf:{tmp_path}/other"))
    assert (before["train"], before["test"]) == (now["train"], before["test"])
    assert before["test"] != now["test"]


def test_a_single_part_is_split(library: Any, tmp_path: Path) -> None:
    rows(library, 20).save_to_disk(tmp_path / "saved")
    with pytest.raises(DataError, match=r"no part named test or validation .*--split 0\.8"):
        load(f"hf:{tmp_path}/saved")
    dataset = load(f"hf:{tmp_path}/saved", split=0.8)
    assert (len(dataset.train.labels), len(dataset.test.labels)) == (16, 4)
    shown = first_pixels(dataset)
    assert sorted(shown) == list(range(20))


def first_pixels(dataset: Any) -> list[int]:
    return [value for part in (dataset.train, dataset.test) for value in part.images[:, 0, 0, 0].tolist()]


def test_a_folder_of_parquet_files(library: Any, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    rows(library, 6).to_parquet(tmp_path / "files" / "train.parquet")
    rows(library, 2).to_parquet(tmp_path / "files" / "validation.parquet")
    dataset = load(f"hf:{tmp_path}/files")
    assert (dataset.train.labels.tolist(), dataset.test.labels.tolist()) == ([0, 1] * 3, [0, 1])


def test_what_cannot_be_used_is_one_line(library: Any, tmp_path: Path) -> None:
    plain = library.Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]})
    library.DatasetDict({"train": plain, "test": plain}).save_to_disk(tmp_path / "plain")
    with pytest.raises(DataError, match="has no column of type Image; it has text, label"):
        load(f"hf:{tmp_path}/plain")
    one = rows(library, 4, names=("cat",))
    library.DatasetDict({"train": one, "test": one}).save_to_disk(tmp_path / "one")
    with pytest.raises(DataError, match="has only the class cat"):
        load(f"hf:{tmp_path}/one")
    with pytest.raises(DataError, match=r"hf:owner/absent cannot be read from this machine: ") as error:
        load("hf:owner/absent")
    assert "\n" not in str(error.value)
