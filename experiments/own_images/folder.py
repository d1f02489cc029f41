"""Image folders: PATH/train/CLASS/IMAGE and PATH/val/CLASS/IMAGE, or PATH/CLASS/IMAGE with a split.

PATH/val/IMAGE is read with a list of labels, see `label_list`.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from experiments.dataset_info import DataError, DatasetInfo
from experiments.own_images import label_list
from experiments.own_images.picture import IMAGE_SUFFIXES, short_sides, usual_size
from experiments.own_images.split import check_classes, train_counts

SHAPE = (3, 224, 224)  # of a spec without a size; commands choose one from the images, see `DatasetInfo.usual_size`
TEST_FOLDERS = ("val", "test")


@dataclass(frozen=True)
class ImageFile:
    """One image: its path, its size in bytes, and when it was last changed (nanoseconds)."""

    path: str
    size: int
    changed: int


@dataclass(frozen=True)
class Listing:
    """The images of a folder: {class: files}, in the order of the classes' names; test is None if there is a split."""

    folder: str
    train: dict[str, list[ImageFile]]
    test: dict[str, list[ImageFile]] | None
    notes: tuple[str, ...] = ()


@lru_cache
def describe(what: str, split: float | None) -> DatasetInfo:
    """Classes, counts and usual size of the images in the folder `what`; with the augmentation usual for CIFAR."""
    found = listing(what, split)
    members = {label: len(files) for label, files in found.train.items()}
    total = sum(members.values())
    if found.test is None:
        train = sum(train_counts(found.folder, members, split or 0))
        test = total - train
    else:
        train, test = total, sum(map(len, found.test.values()))
    files = [file.path for label in found.train for file in found.train[label]]
    size = usual_size(short_sides(files))
    return DatasetInfo(
        f"imagefolder:{what}", len(members), train, test, SHAPE, (), None, 4, True, usual_size=size, notes=found.notes
    )


def listing(what: str, split: float | None) -> Listing:
    """The images of the folder `what`. Raises DataError, one line, for a layout or a file that cannot be used.

    Classes are numbered by the names of the training folders. Names that begin with a dot are skipped.
    """
    path = Path(what).expanduser()
    expected = f"expected {path}/train/CLASS/IMAGE and {path}/val/CLASS/IMAGE"
    tests = [name for name in TEST_FOLDERS if (path / name).is_dir()]
    if split is not None:
        if (path / "train").is_dir() and tests:
            raise DataError(f"{path} has train/ and {tests[0]}/; a split is for a folder without them")
        base = path / "train" if (path / "train").is_dir() else path
        return Listing(str(base), _by_class(base), None)
    if not (path / "train").is_dir():
        raise DataError(f"{path} has no folder train/; {expected}, or --split 0.8 for {path}/CLASS/IMAGE")
    if not tests:
        raise DataError(f"{path} has no folder val/; {expected}, or --split 0.8 to divide train/")
    train, test, source = _by_class(path / "train"), _classes(path / tests[0]), None
    if not any(test.values()) and (flat := _images_in(path / tests[0])):
        source = label_list.find(path, tests[0])
        test = _listed(flat, source, list(train), path / tests[0])
    if more := [label for label in test if label not in train]:
        raise DataError(f"{path}/{tests[0]} has the class {more[0]}, which {path}/train does not have")
    if not any(test.values()):
        raise DataError(f"{path}/{tests[0]} has no images; {expected}")
    missing = [label for label in train if not test.get(label)]
    notes = [f"{tests[0]}/ has no images of {', '.join(missing[:10])}{' ...' * (len(missing) > 10)}"] * bool(missing)
    notes += [f"the labels of {tests[0]}/ are those in {source}"] * (source is not None)
    notes += [f"{tests[0]}/ is the test set; {name}/ is not used" for name in tests[1:]]
    return Listing(str(path), train, test, tuple(notes))


def _images_in(folder: Path) -> list[ImageFile]:
    """The images in a folder itself, by name."""
    with os.scandir(folder) as entries:
        names = sorted(e.name for e in entries if e.name.lower().endswith(IMAGE_SUFFIXES) and not _is_hidden(e.name))
    return [_image_file(str(folder / name)) for name in names]


def _listed(
    images: list[ImageFile], source: Path | None, classes: list[str], folder: Path
) -> dict[str, list[ImageFile]]:
    """The images by class, as a list of their labels has them."""
    if source is None:
        raise DataError(
            f"{folder} has images but no folders for their classes; add the list of their labels as "
            f"{folder.parent}/val.txt, with IMAGE CLASS on every line (other lists: docs/images.md), or sort them into "
            f"{folder}/CLASS/IMAGE"
        )
    labels = label_list.labels_of([image.path for image in images], source, classes)
    by_class: dict[str, list[ImageFile]] = {label: [] for label in classes if label in set(labels)}
    for image, label in zip(images, labels, strict=True):
        by_class[label].append(image)
    return by_class


def _by_class(folder: Path) -> dict[str, list[ImageFile]]:
    """The training images by class: at least two classes, each with an image."""
    classes = _classes(folder)
    if not any(classes.values()):
        raise DataError(f"{folder} has no images; expected {folder}/CLASS/IMAGE")
    if empty := [label for label, files in classes.items() if not files]:
        raise DataError(f"{folder}/{empty[0]} has no images ({', '.join(IMAGE_SUFFIXES)}); remove it or add some")
    check_classes(str(folder), list(classes))
    return classes


def _classes(folder: Path) -> dict[str, list[ImageFile]]:
    try:
        with os.scandir(folder) as entries:
            labels = sorted(entry.name for entry in entries if not _is_hidden(entry.name) and entry.is_dir())
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}") from error
    return {label: images_below(str(folder / label)) for label in labels}


def images_below(folder: str) -> list[ImageFile]:
    """The image files in a folder and its subfolders, in the order of `paths_below`.

    Raises DataError for a file that is empty, cannot be read or is not a regular file.
    """
    return [_image_file(path) for path in paths_below(folder)]


def paths_below(folder: str) -> list[str]:
    """The paths of what is named like an image, by folder, then by name, as torchvision orders them.

    Every real folder is visited once, so that links in a circle end. Raises DataError for an unreadable folder.
    """
    found: list[tuple[str, str, str]] = []
    waiting, seen = [folder], set()
    while waiting:
        parent = waiting.pop()
        try:
            status = os.stat(parent)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(parent) as entries:
                for entry in entries:
                    if _is_hidden(entry.name):
                        continue
                    if entry.is_dir():
                        waiting.append(entry.path)
                    elif entry.name.lower().endswith(IMAGE_SUFFIXES):
                        found.append((parent, entry.name, entry.path))
        except OSError as error:
            raise DataError(f"{error.filename or parent} cannot be read: {error.strerror}") from error
        waiting.sort(reverse=True)
    return [path for _, _, path in sorted(found)]


def _image_file(path: str) -> ImageFile:
    try:
        status = os.stat(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{path} is not a regular file")
    if not status.st_size:
        raise DataError(f"{path} is empty")
    return ImageFile(path, status.st_size, status.st_mtime_ns)


def _is_hidden(name: str) -> bool:
    """Folders and files of other programs, such as .ipynb_checkpoints and macOS's copies of metadata."""
    return name.startswith(".") or name == "__MACOSX"
