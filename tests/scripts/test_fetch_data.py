"""The command line of fetch_data, as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from experiments.datasets import DATASETS

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fetch_data.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True)


def test_force_replaces_a_corrupt_file_and_prints_the_verified_sums(tmp_path: Path) -> None:
    file = tmp_path / "digits.pt"
    file.write_bytes(b"corrupt")
    refused = run("digits", "--data-dir", str(tmp_path))
    assert refused.returncode == 2
    assert f"--data-dir {tmp_path} --force" in refused.stderr
    done = run("digits", "--data-dir", str(tmp_path), "--force")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == str(file)
    assert " ".join(lines[1].split()) == f"train_images 1437 x 1 x 8 x 8 SHA-256 {DATASETS['digits'].sums.train_images}"
    assert lines[-1] == "checksums verified"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cifar"], "unknown data set 'cifar'; choose from digits, cifar10"),
        ([], "name a data set: digits, cifar10"),
        (["--check", "/nowhere"], "/nowhere cannot be read: No such file or directory"),
        (["digits", "--data-dir", f"{SCRIPT}/data"], "cannot be written: Not a directory"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def save(path: Path, level: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (40, 50), level).save(path)


def test_check_names_every_image_that_cannot_be_used(tmp_path: Path) -> None:
    for name in ("train/cat/a", "train/cat/b", "train/dog/a", "val/cat/a", "val/dog/a"):
        save(tmp_path / f"{name}.png")
    (tmp_path / "train/cat/b.png").write_bytes((tmp_path / "train/cat/b.png").read_bytes()[:50])
    (tmp_path / "train/dog/b.png").touch()
    (tmp_path / "val/dog/b.jpg").write_text("not an image")
    os.mkfifo(tmp_path / "val/dog/c.png")
    done = run("--check", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == f"fetch_data: 4 of 8 images in {tmp_path} cannot be used\n"
    named = [line.removeprefix(f"{tmp_path}/").split()[0] for line in done.stdout.splitlines()]
    assert named == ["train/cat/b.png", "train/dog/b.png", "val/dog/b.jpg", "val/dog/c.png"]


@pytest.mark.parametrize(("parts", "option"), [(("train/", "val/"), ""), (("",), " --split 0.8")])
def test_check_of_a_good_folder_says_how_to_use_it(tmp_path: Path, parts: tuple[str, ...], option: str) -> None:
    for part in parts:
        for label in ("cat", "dog"):
            for k in range(5):
                save(tmp_path / f"{part}{label}" / f"{k}.png")
    done = run("--check", str(tmp_path))
    counts = "10 images for training and 10 for testing" if not option else "8 images for training and 2 for testing"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{10 * len(parts)} images can be used",
        f"--dataset imagefolder:{tmp_path}{option}: 2 classes, {counts}, 40 x 40 pixels unless another size is set",
    ]


def test_list_names_every_data_set_and_what_is_in_the_cache(tmp_path: Path) -> None:
    (tmp_path / "mnist.pt").touch()
    rows = run("--list", "--data-dir", str(tmp_path)).stdout.splitlines()[1:]
    assert [row.split()[0] for row in rows] == list(DATASETS)
    assert [row.split()[0] for row in rows if "in the cache" in row] == ["mnist"]


def test_help_imports_no_pytorch() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(SCRIPT), "--help"], capture_output=True, text=True, check=True
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "tyro" in imported
    assert not {"torch", "numpy", "sklearn"} & imported
