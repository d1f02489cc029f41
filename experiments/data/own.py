"""Loading a user's own images: image folders, NumPy archives, Hugging Face data sets, registered functions."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch

from experiments.data.formats import Arrays
from experiments.data.read_image import read_image, to_rgb
from experiments.data.resize import check_memory
from experiments.dataset_info import DataError, DatasetInfo
from experiments.own_images import folder, huggingface, npz
from experiments.own_images.picture import opened, quiet
from experiments.own_images.split import train_count
from experiments.seeding import generator

Item = TypeVar("Item")
Result = TypeVar("Result")
Picture = tuple[str, bytes | None]  # a file, or a name and a file's contents


def read_own(info: DatasetInfo, split: float | None, size: int | None) -> Arrays:
    """The images that `info` describes, uint8 (N, C, H, W), and labels int64 (N,); all in memory.

    size: side in pixels; None: info.shape. NumPy archives and registered data sets keep their own size.
    Raises DataError for what cannot be read, and if the images need more than half of the machine's memory.
    """
    kind, _, what = info.name.partition(":")
    if info.loader is not None:
        return _registered(info)
    check_memory(info.name, info.train_images + info.test_images, info.shape[0], size or info.shape[1])
    arrays = READERS[kind](info, what, split, size or info.shape[1])
    if (found := (len(arrays.train_labels), len(arrays.test_labels))) != (info.train_images, info.test_images):
        raise DataError(f"{info.name} changed while it was in use: {found[0]} + {found[1]} images")
    return arrays


def _folder(info: DatasetInfo, what: str, split: float | None, size: int) -> Arrays:
    found = folder.listing(what, split)
    train, labels = _numbered(found.train, list(found.train))
    if found.test is None:
        kept, held_out = stratified(labels, list(found.train), split or 0)
        train, test = [train[k] for k in kept], [train[k] for k in held_out]
        labels, test_labels = [labels[k] for k in kept], [labels[k] for k in held_out]
    else:
        test, test_labels = _numbered(found.test, list(found.train))
    images, test_images = (decode(lambda k, f=f: (f[k], None), range(len(f)), 3, size) for f in (train, test))
    return Arrays(images, np.array(labels), test_images, np.array(test_labels))


def _numbered(files: Mapping[str, Sequence[folder.ImageFile]], classes: list[str]) -> tuple[list[str], list[int]]:
    """The paths of all files, and the number of the class of each."""
    pairs = [(file.path, classes.index(label)) for label, found in files.items() for file in found]
    return [path for path, _ in pairs], [label for _, label in pairs]


def _huggingface(info: DatasetInfo, what: str, split: float | None, size: int) -> Arrays:
    found = huggingface.parts(what, split)
    labels = np.array(found.train[found.label])
    if found.test is None:
        kept, held_out = stratified(labels.tolist(), found.classes, split or 0)
        train, test = (found.train, "train", kept, labels), (found.train, "train", held_out, labels)
    else:
        test_labels = np.array(found.test[found.label])
        train = (found.train, "train", range(len(labels)), labels)
        test = (found.test, "test", range(len(test_labels)), test_labels)
    arrays: list[np.ndarray] = []
    for rows, part, chosen, numbers in (train, test):
        name = f"{info.name}, {part}"

        def picture(k: int, rows: Any = rows, name: str = name) -> Picture:
            return huggingface.picture_of(rows, found.image, k, name)

        arrays += [decode(picture, chosen, info.shape[0], size), numbers[list(chosen)]]
    return Arrays(*arrays)


def _npz(info: DatasetInfo, what: str, split: float | None, size: int) -> Arrays:
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


READERS: dict[str, Callable[[DatasetInfo, str, float | None, int], Arrays]] = {
    "imagefolder": _folder,
    "npz": _npz,
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


def decode(picture: Callable[[int], Picture], chosen: Sequence[int], channels: int, size: int) -> np.ndarray:
    """uint8 (N, channels, size, size): the pictures of N indices, decoded by threads, with a progress bar."""
    images = np.empty((len(chosen), channels, size, size), dtype=np.uint8)

    def read(index: int) -> np.ndarray:
        name, raw = picture(index)
        return read_image(name, size, channels, raw)

    for index, image in enumerate(_in_threads(read, chosen, "decoding images")):
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
