"""Hugging Face image data sets, local or in the user's cache; needs the optional package `datasets`."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from experiments.dataset_info import DataError, DatasetInfo
from experiments.own_images.picture import opened, quiet, sampled, usual_size
from experiments.own_images.split import check_classes, train_counts

TEST_PARTS = ("test", "validation", "val", "valid")
GREY_MODES = {"1", "L"}


@dataclass(frozen=True)
class Parts:
    """The training and the test rows, the columns of images and labels, and the names of the classes."""

    train: Any
    test: Any  # None if the training rows are split
    image: str
    label: str
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()


@lru_cache
def describe(what: str, split: float | None) -> DatasetInfo:
    """Classes and counts; shape: one channel if all images sampled are grey, size as `DatasetInfo.usual_size`."""
    name, found = f"hf:{what}", parts(what, split)
    labels = found.train[found.label]
    counts = Counter(labels)
    members = {label: counts[k] for k, label in enumerate(found.classes)}
    check_classes(name, list(found.classes))
    if empty := [label for label, count in members.items() if not count]:
        raise DataError(f"{name} has no training images of class {empty[0]}")
    if found.test is None:
        train = sum(train_counts(name, members, split or 0))
        test = len(labels) - train
    else:
        train, test = len(labels), len(found.test)
    sides, modes = [], set()
    with quiet():
        for index in sampled(len(labels)):
            with opened(*picture_of(found.train, found.image, index, f"{name}, train")) as image:
                sides.append(min(image.size))
                modes.add(image.mode)
    size = usual_size(sides)
    shape = (1 if modes <= GREY_MODES else 3, size, size)
    return DatasetInfo(name, len(members), train, test, shape, (), None, 4, True, usual_size=size, notes=found.notes)


@lru_cache
def parts(what: str, split: float | None) -> Parts:
    """The parts of the data set `what`: a path, or a name in the cache, or NAME@CONFIGURATION. Offline."""
    name = f"hf:{what}"
    with quiet():
        tables = _tables(what)
    train = tables["train"] if "train" in tables else next(iter(tables.values())) if len(tables) == 1 else None
    if train is None:
        raise DataError(f"{name} has no part named train; it has {', '.join(tables)}")
    tests = [part for part in TEST_PARTS if part in tables]
    if split is not None and tests:
        raise DataError(f"{name} has a part named {tests[0]}; a split is for a data set without one")
    if split is None and not tests:
        raise DataError(f"{name} has no part named {' or '.join(TEST_PARTS)}; divide the training images: --split 0.8")
    image = _column(name, train, "image", lambda feature: type(feature).__name__ == "Image")
    label = _column(name, train, "label", lambda feature: type(feature).__name__ == "ClassLabel")
    notes = (f"{tests[0]} is the test set",) if tests and tests[0] != "test" else ()
    test = tables[tests[0]] if tests else None
    return Parts(train, test, image, label, tuple(train.features[label].names), notes)


def picture_of(table: Any, column: str, index: int, name: str) -> tuple[str, bytes | None]:
    """What `picture.opened` takes: the file of one image, or its bytes and what to call them in a message."""
    stored = table[index][column]
    if stored is None or (stored["bytes"] is None and stored["path"] is None):
        raise DataError(f"{name}: image {index} is missing")
    if stored["bytes"] is None:
        return stored["path"], None
    return f"{name}: image {index}", stored["bytes"]


def _column(name: str, table: Any, usual: str, fits: Any) -> str:
    found = [column for column, feature in table.features.items() if fits(feature)]
    if not found:
        kind = {"image": "Image", "label": "ClassLabel"}[usual]
        raise DataError(f"{name} has no column of type {kind}; it has {', '.join(table.features)}")
    return usual if usual in found else found[0]


def _tables(what: str) -> dict[str, Any]:
    """{part: rows}, the images undecoded."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before the import: nothing is downloaded in a run
    try:
        datasets = import_module("datasets")
    except ImportError:
        raise DataError(f"hf:{what} needs the package datasets: pip install datasets") from None
    datasets.disable_progress_bars()
    path = Path(what).expanduser()
    try:
        if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
            loaded = datasets.load_from_disk(str(path))
        else:
            repository, _, configuration = what.partition("@")
            loaded = datasets.load_dataset(str(path) if path.exists() else repository, configuration or None)
    except Exception as error:  # whatever the library, its file systems and its readers raise
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"hf:{what} cannot be read from this machine: {reason}") from error
    tables = loaded if isinstance(loaded, dict) else {"train": loaded}
    return {part: _undecoded(datasets, table) for part, table in tables.items()}


def _undecoded(datasets: Any, table: Any) -> Any:
    for column, feature in table.features.items():
        if isinstance(feature, datasets.Image):
            table = table.cast_column(column, datasets.Image(decode=False))
    return table
