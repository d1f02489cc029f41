"""The labels of a folder of test images without class folders, as ImageNet's validation images come: from a list.

A list has one line per image: NAME LABEL, or the label alone, for the images in the order of their names. A label is
the name of a class folder, or a number from 0 in the order of those names. The first file of these is read, in the
image folder, in its folder val/ or test/, or in that of the devkit:

    val.txt                                         NAME LABEL, as in Caffe's list
    LOC_val_solution.csv                            NAME,LABEL and boxes: Kaggle's list
    imagenet_2012_validation_synset_labels.txt      LABEL: TensorFlow's list
    ILSVRC2012_validation_ground_truth.txt          the devkit's list; its numbers need the devkit's meta.mat beside it
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.dataset_info import DataError

DEVKIT_LIST = "ILSVRC2012_validation_ground_truth.txt"
NAMES = ("val.txt", "LOC_val_solution.csv", "imagenet_2012_validation_synset_labels.txt", DEVKIT_LIST)
DEVKIT_FOLDERS = ("ILSVRC2012_devkit_t12/data", "ILSVRC2012_devkit_t12", "devkit/data")
HEADER = "ImageId"  # of Kaggle's file


def find(folder: Path, part: str) -> Path | None:
    """The list of an image folder, if it has one."""
    places = [folder / place / name for name in NAMES for place in ("", part, *DEVKIT_FOLDERS)]
    return next((place for place in places if place.is_file()), None)


def labels_of(images: Sequence[str], source: Path, classes: Sequence[str]) -> list[str]:
    """The class of each image, given by its path. Raises DataError, one line, for a list that does not fit.

    images: in the order of their names. classes: in the order of their numbers.
    """
    try:
        lines = [line.replace(",", " ").split() for line in source.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{source} cannot be read: {error}") from error
    lines = [words for words in lines if words[0] != HEADER]
    names = [os.path.basename(path) for path in images]
    if all(len(words) == 1 for words in lines):
        if len(lines) != len(names):
            raise DataError(f"{source} has {len(lines):,} labels for {len(names):,} images")
        given = dict(zip(names, (words[0] for words in lines), strict=True))
    else:
        given = _by_name(lines, names, source)
    numbered = _devkit_classes(source) if source.name == DEVKIT_LIST else dict(enumerate(classes))
    return [_class_of(given[name], name, numbered, classes, source) for name in names]


def _by_name(lines: Sequence[Sequence[str]], names: Sequence[str], source: Path) -> dict[str, str]:
    """{name of a file: label}; a name in the list may lack its suffix, as in Kaggle's."""
    if short := [words for words in lines if len(words) < 2]:
        raise DataError(f"{source}: {short[0][0]!r} has no label; expected NAME LABEL on every line")
    listed = {os.path.basename(words[0]): words[1] for words in lines}
    given = {name: listed.get(name, listed.get(os.path.splitext(name)[0])) for name in names}
    if without := [name for name, label in given.items() if label is None]:
        raise DataError(f"{source} has no label for {without[0]}{_more(without)}")
    if len(listed) > len(names):
        known = {*names, *(os.path.splitext(name)[0] for name in names)}
        gone = [name for name in listed if name not in known]
        raise DataError(f"{source} has a label for {gone[0]}{_more(gone)}, which is not in the folder")
    return {name: label for name, label in given.items() if label is not None}


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - 1:,} more images" * (len(names) > 1)


def _class_of(label: str, name: str, numbered: Mapping[int, str], classes: Sequence[str], source: Path) -> str:
    if label in classes:
        return label
    found = numbered.get(int(label)) if label.isdecimal() else None
    if found is None or found not in classes:
        raise DataError(f"{source}: the label {label} of {name} is neither a folder in train/ nor the number of one")
    return found


def _devkit_classes(source: Path) -> dict[int, str]:
    """{ILSVRC2012_ID: WNID} from the devkit's meta.mat: its numbers are not in the order of the names."""
    meta = source.with_name("meta.mat")
    if not meta.is_file():
        raise DataError(
            f"{source} numbers the classes in the devkit's own order; put the devkit's meta.mat beside it, or use a "
            "list of names"
        )
    try:
        from scipy.io import loadmat

        synsets = loadmat(meta, squeeze_me=True)["synsets"]
        return {int(row["ILSVRC2012_ID"]): str(row["WNID"]) for row in synsets}
    except Exception as error:  # scipy lets through nearly anything for a damaged file
        raise DataError(f"{meta} cannot be read: {' '.join(str(error).split())}") from error
