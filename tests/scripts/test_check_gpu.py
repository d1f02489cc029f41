"""`scripts/check_gpu.py` as a user types it, and on a CPU in place of a GPU."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import machine

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_gpu.py"


def test_without_a_gpu_it_says_so_in_one_line(tmp_path):
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    words = [sys.executable, str(SCRIPT), "--out", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("check_gpu: --device cuda: PyTorch finds no such device here; choose from cpu")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.fixture
def script(monkeypatch):
    """The script, which takes the CPU for a GPU."""
    specification = importlib.util.spec_from_file_location("check_gpu", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "check_gpu", module)
    specification.loader.exec_module(module)
    monkeypatch.setattr(machine, "device_for", lambda wanted: "cpu")
    return module


def test_checks_by_name(script, tmp_path, capsys):
    args = script.Args(out=tmp_path, only=("colours",), benchmark=False)
    assert script.main(args) == 0
    assert json.loads((tmp_path / "gpu_check.json").read_text())["checks"][0]["name"] == "colours"
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("colours: ")
    assert said[1].startswith("  passed: ")
    assert said[-1].strip() == str(tmp_path / "gpu_check.md")


def test_an_unknown_check_is_refused_with_the_known_ones(script, tmp_path, capsys):
    assert script.main(script.Args(out=tmp_path, only=("colour",), benchmark=False)) == 2
    assert capsys.readouterr().err.startswith("check_gpu: no check is called colour; there are: recorded, colours, ")


def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(script, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert script.main(script.Args(out=tmp_path / "file", only=("colours",), benchmark=False)) == 2
    captured = capsys.readouterr()
    assert "choose another folder with --out" in captured.err
    assert captured.out == ""
