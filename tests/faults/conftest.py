"""The tiny run of the other tests of training; time for tests that take hours on a busy machine."""

import faulthandler

import pytest

from tests.experiments.conftest import digits, one_thread, tiny

__all__ = ["digits", "one_thread", "tiny"]


@pytest.fixture(autouse=True)
def as_long_as_it_takes(request):
    """pytest ends a test that seems to hang after ten minutes; what the slow ones wait for has limits of its own."""
    if request.node.get_closest_marker("slow"):
        faulthandler.cancel_dump_traceback_later()
