"""What a result also depends on: versions, processor, commit."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("torch", "torchvision", "numpy", "wandb", "pandas", "scipy")


def describe(device: str) -> dict[str, Any]:
    """Versions, device and commit, as `env.json` keeps them."""
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "device": device_name(device),
        **_commit(),
    }


def device_name(device: str) -> str:
    """The GPU's name, or the processor's with its vector instructions."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    return f"{model or platform.processor() or platform.machine()} ({torch.backends.cpu.get_cpu_capability()})"


def _commit() -> dict[str, Any]:
    """The commit of this checkout and whether files differ from it; nulls where it is not one."""
    root = Path(__file__).resolve().parents[2]

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit, changes = git("rev-parse", "HEAD"), git("status", "--porcelain")
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}
