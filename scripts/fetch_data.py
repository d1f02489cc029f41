"""Fetch a data set into the cache and check its SHA-256 sums, or check a folder of your own images."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from experiments import temporary
from experiments.datasets import DATASETS, DataError, info_of


@dataclass(frozen=True)
class Args:
    """Fetch a data set into the cache and check its SHA-256 sums, or check a folder of your own images."""

    name: tyro.conf.Positional[str | None] = None
    """The data set; --list shows them all."""
    data_dir: Path | None = None
    """The cache folder. Default: $ABLATION_DATA, or convnet-ablations/data in the user's cache folder."""
    force: bool = False
    """Fetch again and replace an existing file."""
    list_all: Annotated[bool, tyro.conf.arg(name="list")] = False
    """List the data sets with their sources, and whether they are in the cache."""
    check: Path | None = None
    """Check every image in this folder and its subfolders; print those that cannot be used, and the classes."""
    resize: Path | None = None
    """Copy this image folder at the size of --side, to files that are read in less than half the time."""
    to: Path | None = None
    """Where --resize writes its copy. The same command continues a copy that was interrupted."""
    side: int = 256
    """Side of the copy's images in pixels: the data.image_size of your runs (ImageNet recipes: 256, at 299: 342)."""


def main(args: Args) -> None:
    if args.check is not None:
        check_images(args.check.expanduser())
        return
    if args.resize is not None:
        copy_resized(args.resize.expanduser(), args.to, args.side)
        return
    if args.name is not None:
        info_of(args.name)

    # Importing PyTorch takes seconds: not for --help or a wrong name.
    from experiments.data.cache import default_root

    root = args.data_dir.expanduser() if args.data_dir else default_root()
    if args.list_all:
        list_datasets(root)
    elif args.name is not None:
        fetch_dataset(args.name, root, args.force)
    else:
        raise DataError(f"name a data set: {', '.join(DATASETS)}; or --list, --check FOLDER or --resize FOLDER")


def list_datasets(root: Path) -> None:
    """Print one line per data set: size, sources, whether it is in the cache."""
    from experiments.data.cache import cache_file
    from experiments.data.sources import title

    print(f"cache: {root}")
    for name, info in DATASETS.items():
        state = "in the cache" if cache_file(name, root).exists() else "not fetched"
        shape = "x".join(map(str, info.shape))
        sources = ", then ".join(map(title, info.sources))
        print(
            f"{name:14} {info.classes:3} classes  {info.train_images:6,} + {info.test_images:6,} images  "
            f"{shape:8}  {state:13} {sources}"
        )


def fetch_dataset(name: str, root: Path, force: bool) -> None:
    """Put a data set into the cache; print its file, and the shape and checksum of each array."""
    from experiments.data.cache import ARRAY_NAMES, cache_file, fetch, sums_of

    arrays = fetch(name, root, force=force)
    sums = sums_of(arrays)
    print(cache_file(name, root))
    for array in ARRAY_NAMES:
        shape = " x ".join(map(str, getattr(arrays, array).shape))
        print(f"{array:13} {shape:22} SHA-256 {getattr(sums, array)}")
    known = info_of(name).sums is not None
    print("checksums verified" if known else "no recorded checksums: the official MD5 was checked at the download")


def check_images(folder: Path) -> None:
    """Print what is wrong with the images in a folder, or else its classes and sizes."""
    from experiments.data.own import unusable_images

    problems, images = unusable_images(str(folder))
    for problem in problems:
        print(problem)
    if problems:
        raise DataError(f"{len(problems):,} of {images:,} images in {folder} cannot be used")
    print(f"{images:,} images can be used")
    split = split_of(folder)
    info = info_of(f"imagefolder:{folder}", split)
    option = "" if split is None else f" --split {split}"
    print(
        f"--dataset imagefolder:{folder}{option}: {info.classes} classes, "
        f"{info.train_images:,} images for training and {info.test_images:,} for testing, "
        f"{info.usual_size} x {info.usual_size} pixels unless another size is set"
    )
    print(*info.notes, sep="\n", end="\n" * bool(info.notes))


def copy_resized(source: Path, target: Path | None, side: int) -> None:
    """Print the disk space that a resized copy of a folder needs, and make the copy."""
    from experiments import machine
    from experiments.data import resized_copy

    if target is None or side < 1:
        raise DataError("--resize needs --to FOLDER, and a --side above 0")
    copies = resized_copy.plan(source, target.expanduser(), side, split_of(source))
    need = resized_copy.estimate(copies)
    print(
        f"{need.images:,} images as JPEG files of {side} x {side} pixels, quality {resized_copy.QUALITY}; "
        f"{need.done:,} are there; the others need about {need.bytes_needed / 2**30:.2f} GiB, "
        f"{need.bytes_free / 2**30:.1f} GiB are free",
        flush=True,
    )
    written = resized_copy.make(copies, machine.cores() if machine.cores() > 1 else 0)
    print(f"{written:,} files written; check them with: cd {target} && sha256sum -c {resized_copy.SUMS}")
    option = "" if split_of(source) is None else " --split 0.8"
    print(f"train on them with: --dataset imagefolder:{target}{option} --set data.image_size={side}")


def split_of(folder: Path) -> float | None:
    """What `info_of` needs for a folder with or without train/."""
    return None if (folder / "train").is_dir() else 0.8


if __name__ == "__main__":
    try:
        args = tyro.cli(Args)
        temporary.use_own_folder()
        main(args)
    except DataError as error:
        print(f"fetch_data: {error}", file=sys.stderr)
        sys.exit(2)
