"""Logs written by W&B's own client, as in tests/analysis."""

from tests.analysis.conftest import write_run

__all__ = ["write_run"]
