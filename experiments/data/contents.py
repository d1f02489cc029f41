"""Whether a user's own images are still those that a run was begun with."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from experiments.dataset_info import DataError
from experiments.own_images import folder, huggingface, npz
from experiments.own_images.folder import ImageFile
from experiments.own_images.picture import regular_file
from experiments.spec import DataSpec

FILE = "data.json"
BLOCK = 1 << 20
Contents = Mapping[str, str]  # {part: "12 images, 3f9a..."}: a class folder, an array, a part of a data set


def check_unchanged(run: Path, spec: DataSpec) -> str | None:
    """Compare the images with those that the run in the folder `run` was begun with; record them for a new run.

    Returns a digest of the contents, None for a data set that has checksums of its own. Raises DataError, one line that
    names a part that changed.
    """
    if (now := contents(spec)) is None:
        return None
    file = run / FILE
    if file.exists():
        try:
            before = json.loads(file.read_text())["contents"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{file} cannot be read; delete it if {spec.name} has not changed: {error}") from error
        if changes := differences(before, now):
            more = f" and {len(changes) - 1} more" * (len(changes) > 1)
            raise DataError(
                f"{spec.name} has changed since {run} was begun: {changes[0]}{more}; restore the images, or train "
                "in another folder (--out)"
            )
    else:
        run.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{FILE}.{os.getpid()}.part")
        part.write_text(json.dumps({"digest": digest(now), "contents": now}, indent=1) + "\n")
        os.replace(part, file)
    return digest(now)


def differences(before: Contents, now: Contents) -> list[str]:
    """What changed from one to the other, a short text per part."""
    return [
        f"{part} ({now.get(part, 'missing')}; it was {before.get(part, 'missing')})"
        for part in sorted({*before, *now})
        if before.get(part) != now.get(part)
    ]


def digest(parts: Contents) -> str:
    """16 hex digits over all parts."""
    return hashlib.blake2b(json.dumps(dict(parts), sort_keys=True).encode(), digest_size=8).hexdigest()


def contents(spec: DataSpec) -> Contents | None:
    """The names, number and bytes of a user's own images, part by part; None for any other data set.

    Files are read again only if their sizes or times of change differ from the last call in this process.
    """
    kind, _, what = spec.name.partition(":")
    if kind == "imagefolder":
        found = folder.listing(what, spec.split)
        parts = {"train": found.train, **({} if found.test is None else {"test": found.test})}
        named = {f"{part}/{label}": tuple(files) for part, by in parts.items() for label, files in by.items()}
        return {name: f"{len(files)} images, {_digest_of_files(name, files)}" for name, files in named.items()}
    if kind == "npz":
        with npz.opened(what) as archive:  # each array's own checksum is kept in the archive
            return {e.filename: f"{e.file_size} bytes, {e.CRC:08x}" for e in archive.infolist()}
    return _huggingface(what, spec.split) if kind == "hf" else None


@lru_cache
def _huggingface(what: str, split: float | None) -> Contents:
    found = huggingface.parts(what, split)
    parts = {}
    for part, rows in (("train", found.train), ("test", found.test)):
        whole = hashlib.blake2b(digest_size=8)
        for k in range(0 if rows is None else len(rows)):
            name, raw = huggingface.picture_of(rows, found.image, k, f"hf:{what}, {part}")
            whole.update(_digest_of_file(name) if raw is None else hashlib.blake2b(raw, digest_size=16).digest())
        if rows is not None:
            whole.update(json.dumps(list(rows[found.label])).encode())
            parts[part] = f"{len(rows)} images, {whole.hexdigest()}"
    return parts


@lru_cache(maxsize=4096)
def _digest_of_files(name: str, files: tuple[ImageFile, ...]) -> str:
    """A digest of the files' names below their class, and of their bytes."""
    whole = hashlib.blake2b(digest_size=8)
    root = os.path.commonpath([os.path.dirname(file.path) for file in files]) if files else ""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, one in zip(files, pool.map(_digest_of_file, [file.path for file in files]), strict=True):
            whole.update(f"{os.path.relpath(file.path, root)}\0{file.size}\0".encode(errors="surrogateescape"))
            whole.update(one)
    return whole.hexdigest()


def _digest_of_file(path: str) -> bytes:
    one = hashlib.blake2b(digest_size=16)
    with regular_file(path) as file:
        while block := file.read(BLOCK):
            one.update(block)
    return one.digest()
