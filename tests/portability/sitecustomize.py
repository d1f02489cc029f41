"""Takes away what only Linux or only Unix has. Python imports this file at its start where PYTHONPATH names its folder.

Gone are `fcntl`, `os.sched_getaffinity` and, for all but psutil (which has other means elsewhere), everything in /proc.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ON_THE_WAY = {Path(__file__).name, "pathlib.py", "genericpath.py", "posixpath.py"}  # between the caller and the call


def without_proc(call: Callable[..., Any]) -> Callable[..., Any]:
    """`call`, whose first argument is a path, as on a system that has no /proc."""

    def wrapped(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
        if isinstance(path, str | os.PathLike) and os.fspath(path).startswith("/proc"):
            frame = sys._getframe(1)
            while os.path.basename(frame.f_code.co_filename) in ON_THE_WAY:
                frame = frame.f_back
            if f"{os.sep}psutil{os.sep}" not in frame.f_code.co_filename:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(path))
        return call(path, *args, **kwargs)

    return wrapped


sys.modules["fcntl"] = None  # importing it raises ImportError
del os.sched_getaffinity
for module, names in ((os, ("stat", "lstat", "listdir", "scandir", "open", "readlink")), (builtins, ("open",))):
    for name in names:
        setattr(module, name, without_proc(getattr(module, name)))
io.open = builtins.open
