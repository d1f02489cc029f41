"""Cores, memory and devices, also on systems that lack what Linux has."""

import math
import os
from types import SimpleNamespace

import psutil
import pytest
import torch

from experiments import machine
from experiments.spec import SpecError


def test_cores_are_those_of_the_affinity():
    assert machine.cores() == len(os.sched_getaffinity(0))


def test_cores_without_an_affinity(monkeypatch):
    """macOS: psutil.Process has no such method."""
    monkeypatch.delattr(psutil.Process, "cpu_affinity")
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert machine.cores() == 12


def test_cores_and_memory_without_proc(monkeypatch, tmp_path):
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "none"))
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert machine.cores() in (3, len(os.sched_getaffinity(0)))
    assert machine.free_memory(tmp_path / "none") == math.inf


def test_free_memory_is_what_system_and_container_leave(tmp_path, monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=20_480_000_000))
    assert machine.free_memory(tmp_path) == 20_480_000_000
    (tmp_path / "memory.stat").write_text("anon 3000000000\nfile 9000000000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.free_memory(tmp_path) == 20_480_000_000
    (tmp_path / "memory.max").write_text("8000000000\n")
    assert machine.free_memory(tmp_path) == 5_000_000_000


TOO_OLD = "The NVIDIA driver on your system is too old (found version 11040)."  # PyTorch's words


@pytest.fixture
def driver_without_cuda(monkeypatch):
    def init():
        raise RuntimeError(TOO_OLD)

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(machine.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "init", init)


@pytest.mark.parametrize("wanted", [None, "cuda"])
@pytest.mark.usefixtures("driver_without_cuda")
def test_a_driver_that_pytorch_cannot_use_is_refused_in_its_words(wanted):
    """Otherwise a user with a GPU would get a short run on the CPU and no reason."""
    with pytest.raises(SpecError, match=r"cannot use CUDA: The NVIDIA driver .* too old .*--device cpu") as refused:
        machine.device_for(wanted)
    assert "\n" not in str(refused.value)


@pytest.mark.usefixtures("driver_without_cuda")
def test_whoever_asks_for_the_cpu_or_hides_the_gpus_gets_the_cpu(monkeypatch):
    assert machine.device_for("cpu") == "cpu"
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert machine.device_for(None) == "cpu"


@pytest.mark.usefixtures("driver_without_cuda")
def test_a_build_without_cuda_says_so(monkeypatch):
    def init():
        raise AssertionError("Torch not compiled with CUDA enabled")

    monkeypatch.setattr(torch.cuda, "init", init)
    with pytest.raises(SpecError, match="cannot use CUDA: Torch not compiled with CUDA enabled"):
        machine.device_for(None)


def test_devices(monkeypatch):
    monkeypatch.setattr(machine.shutil, "which", lambda name: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert machine.device_for(None) == "cpu"  # mps only where it is asked for
    assert machine.device_for("mps") == "mps"
    with pytest.raises(SpecError, match="--device cuda: PyTorch finds no such device here; choose from cpu, mps"):
        machine.device_for("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert machine.device_for(None) == "cuda"
