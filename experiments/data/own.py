"""Loading a user's own images: image folders, NumPy archives, Hugging Face data sets, registered functions."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch

from experiments.data.formats import Arrays
from experiments.data.pictures import Chosen, Files, Mapped, Paths, Pictures, Rows
from experiments.data.read_image import to_rgb
from experiments.data.resize import check_memory
from experiments.dataset_info import DataError, DatasetInfo
from experiments.own_images import folder, huggingface, npz
from experiments.own_images.picture import opened, quiet
from experiments.own_images.split import train_count
from experiments.seeding import generator

Item = TypeVar("Item")
Result = TypeVar("Result")
Shape = tuple[int, int, int]


def read_own(info: DatasetInfo, split: float | None, size: int | None) -> Arrays:
    """The images that `info` describes, uint8 (N, C, H, W), and labels int64 (N,); all in memory.

    size: side in pixels; None: info.shape. NumPy archives and registered data sets keep their own size.
    Raises DataError for what cannot be read, and if the images need more than half of the machine's memory.
    """
    kind, _, what = info.name.partition(":")
    if info.loader is not None:
        return _registered(info)
    check_memory(info.name, info.train_images + info.test_images, info.shape[0], size or info.shape[1])
    if kind == "npz":
        return _checked(info, _npz(info, what, split))
    train, test = OPENED[kind](info, what, split, _shape(info, size))
    return _checked(info, Arrays(decode(train), train.labels, decode(test), test.labels))


def open_own(info: DatasetInfo, split: float | None, size: int | None) -> tuple[Pictures, Pictures]:
    """The training and the test images that `info` describes, each read when it is asked for. Raises DataError."""
    kind, _, what = info.name.partition(":")
    train, test = OPENED[kind](info, what, split, _shape(info, size))
    _check_counts(info, len(train.labels), len(test.labels))
    return train, test


def _shape(info: DatasetInfo, size: int | None) -> Shape:
    return info.shape if size is None else (info.shape[0], size, size)


def _checked(info: DatasetInfo, arrays: Arrays) -> Arrays:
    _check_counts(info, len(arrays.train_labels), len(arrays.test_labels))
    return arrays


def _check_counts(info: DatasetInfo, train: int, test: int) -> None:
    if (train, test) != (info.train_images, info.test_images):
        raise DataError(f"{info.name} changed while it was in use: {train} + {test} images")


def _folder(info: DatasetInfo, what: str, split: float | None, shape: Shape) -> tuple[Pictures, Pictures]:
    found = folder.listing(what, split)
    train, labels = _numbered(found.train, list(found.train))
    if found.test is None:
        kept, held_out = stratified(labels, list(found.train), split or 0)
        train, test = [train[k] for k in kept], [train[k] for k in held_out]
        labels, test_labels = [labels[k] for k in kept], [labels[k] for k in held_out]
    else:
        test, test_labels = _numbered(found.test, list(found.train))
    train_files, test_files = (
        Files(Paths(paths), np.array(numbers, dtype=np.int64), shape)
        for paths, numbers in ((train, labels), (test, test_labels))
    )
    return train_files, test_files


def _numbered(files: Mapping[str, Sequence[folder.ImageFile]], classes: list[str]) -> tuple[list[str], list[int]]:
    """The paths of all files, and the number of the class of each."""
    pairs = [(file.path, classes.index(label)) for label, found in files.items() for file in found]
    return [path for path, _ in pairs], [label for _, label in pairs]


def _huggingface(info: DatasetInfo, what: str, split: float | None, shape: Shape) -> tuple[Pictures, Pictures]:
    found = huggingface.parts(what, split)
    labels = np.array(found.train[found.label], dtype=np.int64)
    if found.test is None:
        kept, held_out = (np.array(part) for part in stratified(labels.tolist(), found.classes, split or 0))
        test, test_labels, name = found.train, labels[held_out], f"{info.name}, train"
    else:
        test, test_labels, name = found.test, np.array(found.test[found.label], dtype=np.int64), f"{info.name}, test"
        kept, held_out = np.arange(len(labels)), np.arange(len(test_labels))
    return (
        Rows(found.train, found.image, kept, labels[kept], shape, f"{info.name}, train"),
        Rows(test, found.image, held_out, test_labels, shape, name),
    )


def _npz(info: DatasetInfo, what: str, split: float | None) -> Arrays:
    with npz.opened(what) as archive:
        part = npz.part_for_testing(archive, what, split)
        images = _channels_first(npz.read_array(archive, "train_images"))
        labels = npz.read_labels(what, archive, "train")
        if part is not None:
            test_images = _channels_first(npz.read_array(archive, f"{part}_images"))
            return Arrays(images, labels, test_images, npz.read_labels(what, archive, part))
    kept, held_out = stratified(labels.tolist(), [str(k) for k in range(info.classes)], split or 0)
    return Arrays(images[kept], labels[kept], images[held_out], labels[held_out])


def _channels_first(images: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2))


def _registered(info: DatasetInfo) -> Arrays:
    assert info.loader is not None
    try:
        arrays = Arrays(*(np.asarray(array) for array in info.loader()))
    except (TypeError, ValueError) as error:
        raise DataError(f"{info.name}: its loader must return four arrays: {error}") from error
    train, test = (info.train_images,), (info.test_images,)
    shapes = (train + info.shape, train, test + info.shape, test)
    for (name, array), shape in zip(vars(arrays).items(), shapes, strict=True):
        kinds = "u" if name.endswith("images") else "iu"
        if array.shape != shape or array.dtype.kind not in kinds or (kinds == "u" and array.dtype != np.uint8):
            wanted = "uint8" if kinds == "u" else "integers"
            raise DataError(f"{info.name}: its loader's {name} are {array.dtype} {array.shape}, not {wanted} {shape}")
    return arrays


def _mapped(info: DatasetInfo, what: str, split: float | None, shape: Shape) -> tuple[Pictures, Pictures]:
    with npz.opened(what) as archive:
        part = npz.part_for_testing(archive, what, split)
        labels = npz.read_labels(what, archive, "train")
        train = Mapped(npz.stored(what, archive, "train_images"), labels, shape)
        if part is not None:
            test = replace(
                train,
                array=npz.stored(what, archive, f"{part}_images"),
                labels=npz.read_labels(what, archive, part),
            )
            return train, test
    kept, held_out = stratified(labels.tolist(), [str(k) for k in range(info.classes)], split or 0)
    return Chosen(train, np.array(kept)), Chosen(train, np.array(held_out))


OPENED: Mapping[str, Callable[[DatasetInfo, str, float | None, Shape], tuple[Pictures, Pictures]]] = {
    "imagefolder": _folder,
    "npz": _mapped,
    "hf": _huggingface,
}


def stratified(labels: Sequence[int], classes: Sequence[str], split: float) -> tuple[list[int], list[int]]:
    """Indices for training and for testing, each in ascending order; of every class `train_count` are for training.

    Which ones is drawn from the stream (0, "split", name of the class): the same in every run, whatever its seed.
    """
    kept: list[int] = []
    held_out: list[int] = []
    members: list[list[int]] = [[] for _ in classes]
    for index, label in enumerate(labels):
        members[label].append(index)
    for name, indices in zip(classes, members, strict=True):
        order = torch.randperm(len(indices), generator=generator(0, "split", name)).tolist()
        cut = train_count(len(indices), split)
        kept += [indices[k] for k in order[:cut]]
        held_out += [indices[k] for k in order[cut:]]
    return sorted(kept), sorted(held_out)


def decode(pictures: Pictures) -> np.ndarray:
    """uint8 (N, C, H, W): all pictures, decoded by threads, with a progress bar."""
    count = len(pictures.labels)
    images = np.empty((count, *pictures.shape), dtype=np.uint8)
    for index, image in enumerate(_in_threads(pictures.__getitem__, range(count), "decoding images")):
        images[index] = image
    return images


def unusable_images(path: str) -> tuple[list[str], int]:
    """What is wrong with each image below a folder that cannot be used, and how many images there are."""

    def problem(file: str) -> str | None:
        try:
            with opened(file) as image:
                to_rgb(image)
        except DataError as error:
            return str(error)
        return None

    paths = folder.paths_below(path)
    problems = _in_threads(problem, paths, "checking images")
    return [text for text in problems if text is not None], len(paths)


def _in_threads(function: Callable[[Item], Result], items: Sequence[Item], label: str) -> Generator[Result]:
    """The function's results for the items, in their order, computed by threads, with a progress bar."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    hidden = not console.is_terminal
    with quiet(), ThreadPoolExecutor(os.cpu_count()) as pool:
        done = pool.map(function, items)
        try:
            yield from track(done, label, len(items), console=console, transient=True, disable=hidden)
        except BaseException:  # a bad image or an interrupt: the others need not be decoded
            pool.shutdown(cancel_futures=True)
            raise
