"""What this machine offers: devices, cores, free memory."""

from __future__ import annotations

import math
import os
import shutil
import warnings
from pathlib import Path

import psutil

from experiments.spec import Device, SpecError

HIDDEN = ("", "-1")  # values of CUDA_VISIBLE_DEVICES that hide every GPU


def has_gpu() -> bool:
    """Whether NVIDIA's driver is installed and its GPUs are not hidden, without asking PyTorch."""
    return shutil.which("nvidia-smi") is not None and os.environ.get("CUDA_VISIBLE_DEVICES") not in HIDDEN


def device_for(wanted: Device | None) -> Device:
    """`wanted`, or without a wish cuda where there is one, else cpu.

    Raises SpecError where PyTorch lacks it, and where it cannot use the GPU that a driver is installed for.
    """
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "CUDA initialization")  # told below, on one line
        found: dict[Device, bool] = {
            "cpu": True,
            "cuda": torch.cuda.is_available(),
            "mps": torch.backends.mps.is_available(),
        }
    if wanted in (None, "cuda") and not found["cuda"] and has_gpu():
        raise SpecError(
            f"an NVIDIA driver is installed, but PyTorch {torch.__version__} cannot use CUDA: {_cuda_refusal()} "
            "(--device cpu trains without the GPU)"
        )
    if wanted is None:
        return "cuda" if found["cuda"] else "cpu"
    if wanted not in found:
        raise SpecError(f"--device {wanted}: choose from {', '.join(found)}")
    if not found[wanted]:
        there = ", ".join(name for name, is_there in found.items() if is_there)
        raise SpecError(f"--device {wanted}: PyTorch finds no such device here; choose from {there}")
    return wanted


def _cuda_refusal() -> str:
    """Why CUDA does not start, in PyTorch's own words."""
    import torch

    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:  # AssertionError: PyTorch was built without CUDA
        return " ".join(str(error).split())
    return "it finds no device"


def cores() -> int:
    """Logical cores that this process may use; all of them where the system cannot restrict a process (macOS)."""
    try:
        return len(psutil.Process().cpu_affinity())
    except (AttributeError, psutil.Error, OSError):  # no such call, or no /proc to ask
        return os.cpu_count() or 1


def memory(cgroup: Path = Path("/sys/fs/cgroup")) -> float:
    """Bytes of the machine's memory, or of its container's, if that is less."""
    limit = cgroup / "memory.max"
    total = float(psutil.virtual_memory().total)
    if limit.exists() and (text := limit.read_text().strip()) != "max":
        return min(total, float(text))
    return total


def device_memory(device: str) -> float:
    """Bytes of a GPU's own memory; infinite for a device that uses the machine's."""
    if device != "cuda":
        return math.inf
    import torch

    return float(torch.cuda.get_device_properties(device).total_memory)


def free_memory(cgroup: Path = Path("/sys/fs/cgroup")) -> float:
    """Bytes of memory available to this process: the system's, less where a container's limit is nearer.

    Infinite where the system does not say. cgroup: folder of the container's `memory.max` and `memory.stat` (Linux).
    """
    try:
        free = [float(psutil.virtual_memory().available)]
    except (OSError, psutil.Error):
        free = [math.inf]
    limit, used = cgroup / "memory.max", cgroup / "memory.stat"
    if limit.exists() and used.exists() and (text := limit.read_text().strip()) != "max":
        anonymous = dict(line.split() for line in used.read_text().splitlines())["anon"]  # page cache can be dropped
        free.append(float(text) - float(anonymous))
    return min(free)
