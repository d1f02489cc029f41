"""The benchmarks' commands as a maintainer types them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(name, *words):
    return subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
    )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("training_speed", "--repeats", "0"), "training_speed: --repeats must be above 0, not 0"),
        (("training_speed", "--block-s", "-1"), "training_speed: --block-s must be above 0, not -1.0"),
        (
            ("training_speed", "--device", "cpu", "--settings", "tf32"),
            "training_speed: tf32 needs a CUDA device; a CPU has fp32 and bf16",
        ),
        (("step_profile", "--setting", "tf32"), "step_profile: tf32 needs a CUDA device; a CPU has fp32 and bf16"),
        (("endurance", "--epochs", "0"), "endurance: --epochs must be above 0, not 0"),
        (
            ("endurance", "--device", "cuda"),
            "endurance: --device cuda: PyTorch finds no such device here; choose from cpu",
        ),
    ],
)
def test_bad_input_gets_one_line_and_status_2(words, reason):
    done = run(*words)
    assert (done.returncode, done.stderr.strip()) == (2, reason)


@pytest.mark.slow
def test_the_table_and_its_json(tmp_path):
    """Needs CIFAR-10."""
    path = tmp_path / "speed.json"
    words = "--nets resnet20 --settings fp32 --block-s 0.1 --repeats 2 --workers 0 --batch 16 --parallel 2 --device cpu"
    done = run("training_speed", *words.split(), "--json", path)
    assert done.returncode == 0, done.stderr
    written = json.loads(path.read_text())
    assert [row["setting"] for row in written["rows"]] == ["fp32", "fp32, 2 in parallel"]
    for row in written["rows"]:
        assert len(row["ratios"]) == 2
        pairs = zip(row["our_images_per_s"], row["usual_images_per_s"], strict=True)
        assert row["ratios"] == [ours / usual for ours, usual in pairs]
    assert {"torch", "numpy"} <= set(written["env"]["packages"])


@pytest.mark.slow
def test_the_profile_names_the_operators_of_both_loops():
    """Needs CIFAR-10."""
    done = run("step_profile", "--net", "resnet20", "--batch", "16", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    usual, ours, floor = done.stdout.strip().split("\n\n")
    assert usual.startswith("the usual loop: ")
    assert ours.startswith("ours: ")
    assert "convolution" in usual
    assert "convolution" in ours
    assert floor.startswith("floor of resnet20: ")
