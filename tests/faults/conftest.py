"""The tiny run of the other tests of training."""

from tests.experiments.conftest import digits, one_thread, tiny

__all__ = ["digits", "one_thread", "tiny"]
