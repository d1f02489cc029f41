"""A temporary folder for each command, so that a killed one leaves nothing for good. Does not import PyTorch."""

from __future__ import annotations

import atexit
import getpass
import os
import platform
import re
import shutil
import sys
import tempfile
import zlib
from pathlib import Path

import psutil

PREFIX = "ablation-"
LONGEST_SOCKET = 104  # characters of a Unix socket's path on macOS; Linux has 108
# "/ablation-<host>-<pid>-<start>-<random>/wandb-<pid>-<pid>-<number>/socket", all at their longest
LONGEST_BELOW = 46 + 40
CLOCK_S = 60.0  # the start of a process is computed from the system's clock, which may have been set since


def use_own_folder() -> Path:
    """Have this process, and those that it starts, keep temporary files in a folder that is removed at its end.

    Also removes the folders of processes that have ended without doing so. The kernels that torch.compile has cached
    stay where they are. Ends the process with status 2 if the folder cannot be created.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(kernel_cache()))
    parent = roomy(Path(tempfile.gettempdir()))
    remove_stale(parent)
    try:
        folder = Path(tempfile.mkdtemp(prefix=name_of(psutil.Process()), dir=parent))
    except OSError as error:
        print(f"no temporary folder can be created in {parent}: {error.strerror}; set TMPDIR", file=sys.stderr)
        sys.exit(2)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    if sys.platform == "win32":
        os.environ["TEMP"] = os.environ["TMP"] = str(folder)
    return folder


def roomy(parent: Path) -> Path:
    """`parent`, or /tmp if sockets in a folder there would have too long a path."""
    short = sys.platform == "win32" or len(str(parent)) + LONGEST_BELOW < LONGEST_SOCKET
    return parent if short else Path("/tmp")


def name_of(process: psutil.Process) -> str:
    """How the name of a process's folder begins: host, process id, start in seconds since 1970."""
    return f"{PREFIX}{_host()}-{process.pid}-{process.create_time():.0f}-"


def remove_stale(parent: Path) -> None:
    """Remove the folders in `parent` that belong to processes of this host, or container, which have ended."""
    for folder in parent.glob(f"{PREFIX}{_host()}-*"):
        match = re.fullmatch(rf"{PREFIX}{_host()}-(\d+)-(\d+)-\w+", folder.name)
        if match and not _is_alive(int(match[1]), float(match[2])):
            shutil.rmtree(folder, ignore_errors=True)  # another user's, or removed by another command: not ours to do


def kernel_cache() -> Path:
    """Where torch.compile caches kernels by default: as in torch._inductor.runtime.cache_dir_utils."""
    try:
        user = getpass.getuser()
    except (KeyError, ImportError, OSError):  # a user without a name, as in containers
        user = f"uid_{os.getuid()}" if hasattr(os, "getuid") else "unknown_user"
    sanitized = re.sub(r'[\\/:*?"<>|]', "_", user)
    return Path(tempfile.gettempdir()) / f"torchinductor_{sanitized}"


def _host() -> str:
    """The host and, on Linux, its namespace of process ids: in a container, a process outside seems to have ended."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return f"{zlib.crc32(f'{platform.node()} {namespace}'.encode()):08x}"


def _is_alive(pid: int, started: float) -> bool:
    try:
        return abs(psutil.Process(pid).create_time() - started) < CLOCK_S
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
