"""The benchmark as a user gives it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "benchmark.py"


def run(*words, **environment):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, words)], capture_output=True, text=True, env=os.environ | environment
    )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--repeats", "0"), "benchmark: --repeats must be above 0, not 0"),
        (("--long", "0"), "benchmark: --long must be above 0, not 0"),
        (("--device", "cpu", "--modes", "tf32"), "benchmark: --modes tf32 is of a GPU; a CPU has fp32 and bf16"),
        (("--block-s", "-1"), "benchmark: --block-s must be above 0, not -1.0"),
        (
            ("--device", "cuda"),
            "benchmark: --device cuda: PyTorch finds no CUDA device here; leave --device out to time the CPU",
        ),
    ],
)
def test_bad_input_gets_one_line_and_status_2(words, reason):
    done = run(*words, CUDA_VISIBLE_DEVICES="")
    assert (done.returncode, done.stderr.strip()) == (2, reason)


@pytest.mark.slow
def test_the_table_and_its_json(tmp_path):
    """Needs CIFAR-10."""
    path = tmp_path / "speed.json"
    words = (
        "--nets",
        "resnet20",
        "--modes",
        "fp32",
        "--block-s",
        "0.1",
        "--repeats",
        "2",
        "--workers",
        "0",
        "--batch",
        "16",
    )
    done = run(*words, "--at-once", "2", "--device", "cpu", "--json", path)
    assert done.returncode == 0, done.stderr
    written = json.loads(path.read_text())
    assert [row["mode"] for row in written["rows"]] == ["fp32", "fp32, 2 at once"]
    for row in written["rows"]:
        assert len(row["ratios"]) == 2
        pairs = zip(row["ours_images_per_s"], row["usual_images_per_s"], strict=True)
        assert row["ratios"] == [ours / usual for ours, usual in pairs]
    assert {"torch", "numpy"} <= set(written["env"]["packages"])
