"""`python tests/portability` takes away what it says, and only that."""

import importlib
import os
from pathlib import Path

import psutil
import pytest


def test_fcntl_and_sched_getaffinity_are_missing():
    with pytest.raises(ImportError):
        importlib.import_module("fcntl")
    assert not hasattr(os, "sched_getaffinity")


def test_proc_is_missing_for_all_but_psutil():
    path = Path("/proc/self/status")
    assert not path.exists()
    with pytest.raises(FileNotFoundError):
        path.read_text()
    assert psutil.Process().memory_info().rss > 0
