"""The cache of data sets: one checksummed file each, written from the first source with the right contents."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
import uuid
from collections.abc import Generator
from dataclasses import asdict, astuple, fields
from pathlib import Path

import numpy as np
import platformdirs
import torch

from experiments.data.formats import Arrays
from experiments.data.sources import BUNDLED, OFFICIAL_FILES, SourceError, fetch_arrays, one_line, title
from experiments.datasets import DataError, DatasetInfo, Sums, info_of

ARRAY_NAMES = tuple(field.name for field in fields(Sums))


def default_root() -> Path:
    """The cache folder: $ABLATION_DATA, or convnet-ablations/data in the user's cache folder (Linux: ~/.cache)."""
    if chosen := os.environ.get("ABLATION_DATA"):
        return Path(chosen).expanduser()
    return platformdirs.user_cache_path("convnet-ablations", appauthor=False) / "data"


def cache_file(name: str, root: Path) -> Path:
    """The cache file of a data set."""
    return root / f"{name}.pt"


def obtain(info: DatasetInfo, root: Path, *, download: bool = True) -> Arrays:
    """The arrays of a data set, from the cache; if it is not there, fetched from its sources and cached."""
    if cache_file(info.name, root).exists():
        return read_cache(info, root)
    if is_bundled(info):
        arrays = _from_sources(info, root)
        with contextlib.suppress(DataError):  # it needs no download, so the cache is optional
            write_cache(info, root, arrays)
        return arrays
    if not download:
        raise DataError(f"{info.name} is not in {root} and downloads are off; run `{fetch_command(info, root)}`")
    make_writable(root)
    arrays = _from_sources(info, root)
    write_cache(info, root, arrays)
    return arrays


def fetch(name: str, root: Path, *, force: bool = False) -> Arrays:
    """Put a data set into the cache; `force` fetches it again and replaces an existing file."""
    info = info_of(name)
    if cache_file(name, root).exists() and not force:
        return read_cache(info, root)
    make_writable(root)
    arrays = _from_sources(info, root)
    write_cache(info, root, arrays)
    return arrays


def is_bundled(info: DatasetInfo) -> bool:
    """Whether a data set comes with an installed library and needs no download."""
    return info.sources[0].partition(":")[0] in BUNDLED


def fetch_command(info: DatasetInfo, root: Path) -> str:
    """The command line that puts a data set into the cache folder `root`."""
    folder = "" if root == default_root() else f" --data-dir {root}"
    return f"python scripts/fetch_data.py {info.name}{folder}"


def sums_of(arrays: Arrays) -> Sums:
    """SHA-256 of the four arrays, C order."""
    return Sums(*(hashlib.sha256(np.ascontiguousarray(array).data).hexdigest() for _, array in _named(arrays)))


def difference(arrays: Arrays, info: DatasetInfo, expected: Sums | None) -> str | None:
    """What is wrong with the arrays of a data set, in words; None if they are right."""
    train, test = (info.train_images,), (info.test_images,)
    shapes = (train + info.shape, train, test + info.shape, test)
    for (name, array), shape in zip(_named(arrays), shapes, strict=True):
        if array.dtype != np.uint8 or array.shape != shape:
            return f"{name} is {array.dtype} {array.shape} instead of uint8 {shape}"
    if expected is None:
        return None
    for name, got, right in zip(ARRAY_NAMES, astuple(sums_of(arrays)), astuple(expected), strict=True):
        if got != right:
            return f"{name} has SHA-256 {got[:12]}… instead of {right[:12]}…"
    return None


def read_cache(info: DatasetInfo, root: Path) -> Arrays:
    """The arrays in the cache file. Raises DataError if shapes, types or checksums are wrong."""
    path = cache_file(info.name, root)
    try:
        stored = torch.load(path, weights_only=True)
        arrays = Arrays(**{name: stored[name].numpy() for name in ARRAY_NAMES})
        wrong = difference(arrays, info, info.sums or Sums(**stored["sums"]))
    except Exception as error:  # a damaged archive makes torch.load raise nearly anything
        wrong = f"cannot be read ({type(error).__name__}: {one_line(error)})"
    if wrong is not None:
        raise DataError(f"{path}: {wrong}; delete the file or run `{fetch_command(info, root)} --force`")
    return arrays


def write_cache(info: DatasetInfo, root: Path, arrays: Arrays) -> None:
    """Write the cache file, completely or not at all, also if the process is killed or another one writes it too."""
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in _named(arrays)}
    stored = {**tensors, "sums": asdict(sums_of(arrays))}
    path = cache_file(info.name, root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _replacing(path) as part:
            torch.save(stored, part)
    except (OSError, RuntimeError) as error:  # torch.save reports a full disk as a RuntimeError
        raise DataError(f"{path} cannot be written: {one_line(error)}; free space or choose another folder") from error


def make_writable(root: Path) -> None:
    """Create the cache folder. Raises DataError if it cannot be written, before anything is downloaded."""
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror
    else:
        if os.access(root, os.W_OK | os.X_OK):
            return
        reason = "no permission to write"
    raise DataError(f"the data folder {root} cannot be written: {reason}; choose another one (or set ABLATION_DATA)")


@contextlib.contextmanager
def _replacing(path: Path) -> Generator[Path]:
    """A temporary file beside `path` that replaces it once it is written and flushed to disk."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _from_sources(info: DatasetInfo, root: Path) -> Arrays:
    """The arrays from the first source with the right contents; failures of others are printed to stderr."""
    reasons: list[str] = []
    for source, following in zip(info.sources, (*info.sources[1:], None), strict=True):
        try:
            with tempfile.TemporaryDirectory(prefix="convnet-ablations-") as folder:
                arrays = fetch_arrays(info, source, Path(folder), root)
            if wrong := difference(arrays, info, info.sums):
                raise SourceError(f"wrong contents, {wrong}")
            return arrays
        except SourceError as error:
            reasons.append(f"{title(source)}: {error}")
            if following:
                print(f"{info.name}: {reasons[-1]}; trying {title(following)}", file=sys.stderr)
    raise DataError(f"{info.name} could not be fetched. {'; '.join(reasons)}. {_by_hand(info, root)}")


def _by_hand(info: DatasetInfo, root: Path) -> str:
    """How to provide the data set without a network."""
    copy = f"Copy {cache_file(info.name, root).name} from a machine that has it into {root}"
    official = [
        Path(file).name
        for kind, _, what in (source.partition(":") for source in info.sources)
        if kind == "torchvision"
        for file in OFFICIAL_FILES[what]
    ]
    return f"{copy}, or put the official {', '.join(official)} into that folder." if official else f"{copy}."


def _named(arrays: Arrays) -> list[tuple[str, np.ndarray]]:
    return [(name, getattr(arrays, name)) for name in ARRAY_NAMES]
