"""Loading, the cache and its checks, on a planted data set of twelve images; the real ones are marked slow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from experiments import datasets
from experiments.data import sources
from experiments.data.cache import fetch
from experiments.data.formats import Arrays
from experiments.data.load import DataError, default_root, load
from experiments.datasets import DATASETS, DatasetInfo, Sums

Plant = Callable[..., DatasetInfo]


def planted_arrays(shift: int = 0) -> Arrays:
    """Eight training and four test images of 1x2x3 pixels, image i filled with i + shift, labels 0, 1, 0, 1, ..."""
    pixels = np.repeat(np.arange(12, dtype=np.uint8) + shift, 6).reshape(12, 1, 2, 3)
    labels = np.arange(12, dtype=np.uint8) % 2
    return Arrays(pixels[:8], labels[:8], pixels[8:], labels[8:])


def sha256(values: list[int]) -> str:
    return hashlib.sha256(bytes(values)).hexdigest()


SUMS = Sums(
    train_images=sha256([i for i in range(8) for _ in range(6)]),
    train_labels=sha256([0, 1] * 4),
    test_images=sha256([i for i in range(8, 12) for _ in range(6)]),
    test_labels=sha256([0, 1] * 2),
)


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Adds the data set `planted`, whose sources "first:x", "second:x" give arrays or fail with a reason."""

    def add(*outcomes: Arrays | str, sums: Sums | None = SUMS) -> DatasetInfo:
        def source(outcome: Arrays | str) -> Callable[..., Arrays]:
            def deliver(*_: object) -> Arrays:
                if isinstance(outcome, str):
                    raise sources.SourceError(outcome)
                return outcome

            return deliver

        kinds = ("first", "second")[: len(outcomes)]
        info = DatasetInfo("planted", 2, 8, 4, (1, 2, 3), tuple(f"{kind}:x" for kind in kinds), sums, 1, False)
        monkeypatch.setattr(datasets, "DATASETS", {**DATASETS, "planted": info})
        monkeypatch.setattr(
            sources, "SOURCES", {kind: source(outcome) for kind, outcome in zip(kinds, outcomes, strict=True)}
        )
        monkeypatch.setattr(sources, "TITLES", {kind: f"the {kind} source" for kind in kinds})
        return info

    return add


def no_source(*_: object) -> Arrays:
    raise AssertionError("a source was asked although the cache has the data set")


def test_first_load_fetches_and_the_next_reads_the_cache(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    plant(planted_arrays())
    first = load("planted", tmp_path / "new" / "folder")
    monkeypatch.setattr(sources, "SOURCES", {"first": no_source})
    second = load("planted", tmp_path / "new" / "folder", download=False)
    for dataset in (first, second):
        assert dataset.train.images.dtype == dataset.test.images.dtype == torch.uint8
        assert dataset.train.labels.dtype == dataset.test.labels.dtype == torch.int64
        assert dataset.train.images[:, 0, 1, 2].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
        assert dataset.test.images[:, 0, 0, 0].tolist() == [8, 9, 10, 11]
        assert dataset.train.labels.tolist() == [0, 1] * 4
        assert dataset.test.labels.tolist() == [0, 1] * 2
        assert dataset.classes == 2
    assert capfd.readouterr() == ("", "")


def test_cache_is_written_under_a_temporary_name_and_nothing_else_is_left(plant: Plant, tmp_path: Path) -> None:
    plant(planted_arrays())
    load("planted", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["planted.pt"]


def test_write_that_breaks_off_leaves_no_file(plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_full(stored: object, file: Path) -> None:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    plant(planted_arrays())
    monkeypatch.setattr(torch, "save", disk_full)
    with pytest.raises(DataError, match=r"planted\.pt cannot be written.*No space left"):
        load("planted", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sums", [SUMS, None])
def test_one_flipped_byte_in_the_cache_is_refused_and_not_repaired(
    plant: Plant, tmp_path: Path, sums: Sums | None
) -> None:
    plant(planted_arrays(), sums=sums)
    load("planted", tmp_path)
    file = tmp_path / "planted.pt"
    raw = bytearray(file.read_bytes())
    raw[raw.index(bytes([11] * 6))] ^= 1  # the first pixel of the last test image
    file.write_bytes(raw)
    with pytest.raises(DataError) as error:
        load("planted", tmp_path)
    assert str(file) in str(error.value)
    assert "test_images has SHA-256" in str(error.value)
    assert f"python scripts/fetch_data.py planted --data-dir {tmp_path} --force" in str(error.value)
    assert file.read_bytes() == raw


@pytest.mark.parametrize("length", [0, 100, 1500])
def test_truncated_cache_is_refused(plant: Plant, tmp_path: Path, length: int) -> None:
    plant(planted_arrays())
    load("planted", tmp_path)
    file = tmp_path / "planted.pt"
    assert file.stat().st_size > 1500
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(DataError, match=r"planted\.pt: cannot be read .* --force") as error:
        load("planted", tmp_path)
    assert "\n" not in str(error.value)


def test_force_replaces_a_corrupt_file_and_keeps_it_when_no_source_delivers(plant: Plant, tmp_path: Path) -> None:
    file = tmp_path / "planted.pt"
    file.write_bytes(b"corrupt")
    plant("offline")
    with pytest.raises(DataError, match="offline"):
        fetch("planted", tmp_path, force=True)
    assert file.read_bytes() == b"corrupt"
    plant(planted_arrays())
    fetch("planted", tmp_path, force=True)
    assert load("planted", tmp_path).test.labels.tolist() == [0, 1] * 2


def test_wrong_contents_are_refused_and_the_next_source_is_asked(
    plant: Plant, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    plant(planted_arrays(shift=1), planted_arrays())
    assert load("planted", tmp_path).train.images[0].unique().tolist() == [0]
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "the first source x: wrong contents, train_images has SHA-256" in lines[0]
    assert lines[0].endswith("trying the second source x")


def test_wrong_contents_alone_are_not_cached(plant: Plant, tmp_path: Path) -> None:
    short = planted_arrays()
    plant(
        planted_arrays(shift=1),
        Arrays(short.train_images[:7], short.train_labels[:7], short.test_images, short.test_labels),
    )
    with pytest.raises(
        DataError, match=r"SHA-256.*train_images is uint8 \(7, 1, 2, 3\) instead of uint8 \(8, 1, 2, 3\)"
    ):
        load("planted", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_source_names_every_reason_in_one_line(plant: Plant, tmp_path: Path) -> None:
    plant("no route to host", "npm cannot be started")
    with pytest.raises(DataError) as error:
        load("planted", tmp_path)
    message = str(error.value)
    assert "the first source x: no route to host; the second source x: npm cannot be started" in message
    assert f"Copy planted.pt from a machine that has it into {tmp_path}" in message
    assert "\n" not in message


def test_no_download_when_told_so(plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(planted_arrays())
    monkeypatch.setattr(sources, "SOURCES", {"first": no_source})
    with pytest.raises(DataError, match=r"downloads are off; run `python scripts/fetch_data.py planted"):
        load("planted", tmp_path / "absent", download=False)
    assert not (tmp_path / "absent").exists()


def test_folder_that_cannot_be_written_is_told_before_the_download(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(planted_arrays())
    monkeypatch.setattr(sources, "SOURCES", {"first": no_source})
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"data folder .*file/data cannot be written: Not a directory"):
        load("planted", tmp_path / "file" / "data")
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(DataError, match="cannot be written: no permission to write"):
        load("planted", tmp_path)


def test_unknown_name_lists_the_names(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unknown data set 'cifar'; choose from digits, cifar10, cifar100"):
        load("cifar", tmp_path)


def test_digits_need_neither_network_nor_a_writable_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    digits = load("digits", tmp_path / "file" / "data", download=False)
    assert tuple(digits.train.images.shape) == (1437, 1, 8, 8)
    assert tuple(digits.test.images.shape) == (360, 1, 8, 8)
    assert set(digits.train.labels.tolist()) == set(digits.test.labels.tolist()) == set(range(10))


def test_subset_leaves_the_test_set_alone(plant: Plant, tmp_path: Path) -> None:
    plant(planted_arrays())
    part = load("planted", tmp_path, train_images=4)
    assert part.train.images[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert part.train.labels.tolist() == [0, 1, 0, 1]
    assert len(part.test.images) == 4


def test_default_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/u")
    monkeypatch.delenv("ABLATION_DATA", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert default_root() == Path("/home/u/.cache/convnet-ablations/data")
    monkeypatch.setenv("XDG_CACHE_HOME", "/scratch/cache")
    assert default_root() == Path("/scratch/cache/convnet-ablations/data")
    monkeypatch.setenv("ABLATION_DATA", "~/data")
    assert default_root() == Path("/home/u/data")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "per_class"),
    [("cifar10", [5000] * 10), ("mnist", [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])],
)
def test_real_data_sets_have_their_published_counts(name: str, per_class: list[int], tmp_path: Path) -> None:
    assert torch.bincount(load(name, tmp_path).train.labels).tolist() == per_class


@pytest.mark.slow
def test_cifar10_means_and_deviations_are_the_usual_ones(tmp_path: Path) -> None:
    pixels = load("cifar10", tmp_path).train.images.double().div(255).transpose(0, 1).flatten(1)
    assert pixels.mean(1).tolist() == pytest.approx([0.49140, 0.48216, 0.44653], abs=1e-5)
    assert pixels.std(1).tolist() == pytest.approx([0.24703, 0.24349, 0.26159], abs=1e-5)
