"""Memory: nothing is asked of a C library that has no such function; a lack of memory is known by PyTorch's words."""

import ctypes
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from experiments.training import memory
from experiments.training.memory import is_out_of_memory, keep_memory, release_memory, without_refusals
from experiments.training.train import train


def test_glibc_is_told_to_keep_and_to_release(monkeypatch):
    calls = []
    library = SimpleNamespace(
        mallopt=lambda *words: calls.append(words), malloc_trim=lambda *words: calls.append(words)
    )
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    keep_memory()
    release_memory()
    assert calls == [(-3, 32 * 2**20), (-1, 2**31 - 1), (0,)]  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD of malloc.h


def test_another_c_library_is_left_alone(monkeypatch):
    """As on macOS."""
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    assert memory._of_libc("mallopt") is None
    keep_memory()
    release_memory()


def test_windows_has_no_library_of_that_kind(monkeypatch):
    def refuse(name):
        raise TypeError("bad argument type for built-in operation")  # what ctypes.CDLL(None) says there

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    monkeypatch.setattr(sys, "platform", "win32")
    assert memory._of_libc("mallopt") is None
    keep_memory()


def test_a_tensor_that_does_not_fit_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"), True),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_other_errors_are_told_apart(error, expected):
    assert is_out_of_memory(error) is expected


def test_an_allocation_that_was_refused_and_got_round_is_noticed(monkeypatch):
    """PyTorch counts them in memory_stats, also those that cuDNN's other algorithm made up for."""
    stats = {"num_ooms": 2}
    monkeypatch.setattr(torch.cuda, "memory_stats", lambda: stats)
    with without_refusals("cuda"):
        pass
    with pytest.raises(torch.OutOfMemoryError), without_refusals("cuda"):
        stats["num_ooms"] += 1
    with without_refusals("cpu"):
        stats["num_ooms"] += 1


def test_a_run_whose_bits_a_lack_of_memory_may_have_changed_is_not_saved(tiny, digits, tmp_path, monkeypatch):
    counts = iter(range(100))
    monkeypatch.setattr(memory, "refusals", lambda device: next(counts))
    with pytest.raises(torch.OutOfMemoryError):
        train(tiny, digits, tmp_path, lambda row: None)
    assert not list(tmp_path.glob("checkpoint*"))
    assert train(replace(tiny, deterministic=False), digits, tmp_path, lambda row: None) == "finished"
