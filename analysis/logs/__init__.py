"""W&B logs to data frames: `runs, history = logs.load("runs/")`, from files or from a server."""

from analysis.logs.load import LogsError, load

__all__ = ["LogsError", "load"]
