"""NumPy archives as MedMNIST publishes them: train_images, train_labels, test_images, test_labels (or val_)."""

from __future__ import annotations

import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

from experiments.dataset_info import DataError, DatasetInfo
from experiments.own_images.picture import REASON_CHARACTERS, regular_file
from experiments.own_images.split import check_classes, train_counts

if TYPE_CHECKING:
    import numpy as np

TEST_PARTS = ("test", "val")
CHANNELS = (1, 3)


@contextmanager
def opened(what: str) -> Generator[zipfile.ZipFile]:
    """The archive. Raises DataError, naming it, for whatever is wrong with it, also within the `with` block."""
    path = Path(what).expanduser()
    try:
        with regular_file(str(path)) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except DataError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy let through nearly anything for a damaged file
        reason = " ".join(str(error).split())[:REASON_CHARACTERS] or type(error).__name__
        raise DataError(f"{path} cannot be read as an .npz archive: {reason}") from error


@contextmanager
def _array(archive: zipfile.ZipFile, key: str) -> Generator[IO[bytes]]:
    """The file of an array in the archive."""
    if f"{key}.npy" not in archive.namelist():
        raise DataError(f"{archive.filename} has no array {key}")
    with archive.open(f"{key}.npy") as file:
        yield file


@lru_cache
def describe(what: str, split: float | None) -> DatasetInfo:
    """Classes and counts from the labels, the shape from the header of the images; augmentation as for CIFAR."""
    name = f"npz:{what}"
    with opened(what) as archive:
        part = part_for_testing(archive, what, split)
        shape = _image_shape(what, archive, "train")
        labels = read_labels(what, archive, "train")
        counts = dict(enumerate(_counts(labels)))
        check_classes(what, [str(label) for label in counts])
        if part is None:
            train = sum(train_counts(what, {str(label): count for label, count in counts.items()}, split or 0))
            test = len(labels) - train
        else:
            train, test = len(labels), len(read_labels(what, archive, part))
            if _image_shape(what, archive, part) != shape:
                raise DataError(f"{what}: train_images and {part}_images differ in height, width or channels")
    notes = () if part in (None, "test") else ("val_images is the test set, since there is no test_images",)
    return DatasetInfo(name, len(counts), train, test, shape, (), None, 4, True, notes=notes)


def part_for_testing(archive: zipfile.ZipFile, what: str, split: float | None) -> str | None:
    """Which arrays are the test set; None if the training images are split."""
    parts = [part for part in TEST_PARTS if f"{part}_images.npy" in archive.namelist()]
    if split is not None and parts:
        raise DataError(f"{what} has {parts[0]}_images; a split is for an archive without a test set")
    if split is None and not parts:
        raise DataError(f"{what} has no test_images; add them, or divide the training images with --split 0.8")
    return parts[0] if parts else None


def read_labels(what: str, archive: zipfile.ZipFile, part: str) -> np.ndarray:
    """int64 (N,). Raises DataError for labels that are not one integer from 0 per image."""
    import numpy as np

    labels = read_array(archive, f"{part}_labels")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iub":
        raise DataError(
            f"{what}: {part}_labels must hold one integer per image, (N,) or (N, 1), not {labels.dtype} {labels.shape}"
        )
    if len(labels) != _header(archive, f"{part}_images")[0][0]:
        raise DataError(f"{what}: {part}_images and {part}_labels differ in length")
    labels = labels.astype(np.int64)
    if not len(labels) or labels.min() < 0:
        raise DataError(f"{what}: {part}_labels must hold one integer from 0 per image, and at least one image")
    return labels


def read_array(archive: zipfile.ZipFile, key: str) -> np.ndarray:
    """An array by its name. A pickled one is refused: loading it could run code."""
    import numpy as np

    with _array(archive, key) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


@dataclass(frozen=True)
class Stored:
    """Where an uncompressed array lies in an archive, so that it can be mapped into memory."""

    path: str
    offset: int
    shape: tuple[int, ...]

    def mapped(self) -> np.ndarray:
        """The array, read from the file where it is used."""
        return _mapped(self)


@lru_cache(maxsize=8)
def _mapped(array: Stored) -> np.ndarray:
    import numpy as np

    return np.memmap(array.path, np.uint8, "r", array.offset, array.shape)


def stored(what: str, archive: zipfile.ZipFile, key: str) -> Stored:
    """Where the images `key` lie. Raises DataError for a compressed archive."""
    import numpy as np

    entry = archive.getinfo(f"{key}.npy")
    if entry.compress_type != zipfile.ZIP_STORED:
        raise DataError(
            f"{what} is compressed, so its images must fit into memory at once; write it again with numpy.savez "
            "(not savez_compressed), and it is read while it trains"
        )
    with open(Path(what).expanduser(), "rb") as file:
        file.seek(entry.header_offset + 26)  # in the file's own header, 30 bytes long: lengths of name and extra field
        name, extra = np.frombuffer(file.read(4), dtype="<u2").tolist()
        file.seek(entry.header_offset + 30 + name + extra)
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, _ = read(file)
        if fortran:
            raise DataError(f"{what}: {key} is in Fortran order; write it again with numpy.ascontiguousarray")
        return Stored(str(Path(what).expanduser()), file.tell(), shape)


def _header(archive: zipfile.ZipFile, key: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of an array, without its contents."""
    import numpy as np

    with _array(archive, key) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    return shape, dtype


def _image_shape(what: str, archive: zipfile.ZipFile, part: str) -> tuple[int, int, int]:
    """(channels, height, width) of the images, which are uint8 (N, H, W) or (N, H, W, 1 or 3)."""
    shape, dtype = _header(archive, f"{part}_images")
    if dtype != "uint8" or len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in CHANNELS) or 0 in shape:
        raise DataError(
            f"{what}: {part}_images must be uint8 (N, height, width) or (N, height, width, 1 or 3), not {dtype} {shape}"
        )
    return (shape[3] if len(shape) == 4 else 1, shape[1], shape[2])


def _counts(labels: np.ndarray) -> list[int]:
    """Images of each class, from 0 to the largest label. Raises DataError for a class without any."""
    import numpy as np

    largest = int(labels.max())
    if largest >= len(labels):
        raise DataError(f"labels up to {largest} for {len(labels)} images: labels must be 0, 1, 2, ...")
    counts = np.bincount(labels).tolist()
    if 0 in counts:
        raise DataError(f"no image has the label {counts.index(0)}; labels must be 0, 1, 2, ... without a gap")
    return counts
