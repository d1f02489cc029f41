"""The command line of fetch_data, as a user starts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
        (["digits", "--data-dir", f"{SCRIPT}/data"], "cannot be written: Not a directory"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


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
