"""How architectures are compared: specs, recipes, ablations, and the machinery that trains them.

`experiments.open_run(folder)` gives a trained run back: `experiments.execution.opened`.
"""

import importlib
import os
from typing import Any

# cuBLAS reads it once, when it starts: it is set before anything here imports PyTorch, and workers inherit it.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

__all__ = ["open_run"]


def __getattr__(name: str) -> Any:
    if name == "open_run":  # when it is asked for: it imports PyTorch
        return importlib.import_module("experiments.execution.opened").open_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
