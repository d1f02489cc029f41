"""env.json: what a run was trained with, on any system, and every environment that it was resumed in."""

import json
import platform
import sys

import pytest

from experiments.execution import environment
from experiments.execution.environment import describe, device_name, record

HERE = {"python": "3.11", "packages": {"torch": "2.11.0"}, "device": "cpu A", "commit": "abc", "dirty": False}
THERE = {**HERE, "packages": {"torch": "2.12.0"}, "commit": "def"}


def test_a_run_begun_and_resumed_in_one_environment_has_one(folder):
    assert record(folder, HERE) == []
    assert record(folder, HERE) == []
    assert json.loads((folder / "env.json").read_text()) == HERE


def test_another_environment_is_told_and_both_are_kept(folder):
    record(folder, HERE)
    assert record(folder, THERE) == ["packages.torch 2.11.0 -> 2.12.0", "commit abc -> def"]
    assert record(folder, THERE) == []
    assert json.loads((folder / "env.json").read_text()) == {**HERE, "resumed": [THERE]}
    assert record(folder, HERE) == ["packages.torch 2.12.0 -> 2.11.0", "commit def -> abc"]
    assert json.loads((folder / "env.json").read_text()) == {**HERE, "resumed": [THERE, HERE]}


@pytest.mark.parametrize("text", ["", "{", "[1]"])
def test_a_damaged_file_is_written_anew(folder, text):
    (folder / "env.json").write_text(text)
    record(folder, HERE)
    assert json.loads((folder / "env.json").read_text()) == HERE


def test_what_is_described():
    assert {"python", "packages", "platform", "device", "commit", "dirty"} == set(describe("cpu"))


def test_the_processor_has_a_name_without_proc(monkeypatch, tmp_path):
    monkeypatch.setattr(environment._cpu_name, "__defaults__", (tmp_path / "absent",))
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert device_name("cpu").startswith("riscv64 (")


def test_the_processor_of_a_mac_comes_from_sysctl(monkeypatch):
    asked = []

    def answer(*words):
        asked.append(words)
        return "Apple M9"

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(environment, "_output", answer)
    assert device_name("mps") == "Apple M9 (mps)"
    assert asked == [("sysctl", "-n", "machdep.cpu.brand_string")]
