"""One thread per test process: `-n auto` runs one process per core. What a test registers is gone after it."""

import os
import sys

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # ahead of the first import of torch


@pytest.fixture(autouse=True)
def only_the_benchs_own_nets():
    """A net that a test registers must not be there for the next one in the same process."""
    yield
    if registry := sys.modules.get("nets.registry"):
        registry._registered.clear()
