"""What a result also depends on: versions, processor, commit; kept in env.json."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from experiments import torchrun

PACKAGES = ("torch", "torchvision", "numpy", "wandb", "pandas", "scipy")
NAME = "env.json"
EXACT = ("packages.torch", "device", "processes", "commit")  # what decides the last bits


def describe(device: str) -> dict[str, Any]:
    """Versions, device and commit, as `env.json` keeps them; the number of processes where several train a run."""
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "device": device_name(device),
        **({"processes": torchrun.count()} if torchrun.count() > 1 else {}),
        **_commit(),
    }


def record(folder: Path, env: dict[str, Any]) -> list[str]:
    """Write env.json. A run that was begun elsewhere keeps that environment, and gets this one under "resumed".

    Returns what decides the last bits and differs from the environment before: ["packages.torch 2.10.0 -> 2.11.0"].
    """
    path = folder / NAME
    try:
        begun = json.loads(path.read_text())
        earlier = [begun, *begun.get("resumed", [])]
    except (OSError, ValueError, AttributeError):
        begun, earlier = env, [env]
    last = {key: value for key, value in earlier[-1].items() if key != "resumed"}
    if last != env:
        begun = {**begun, "resumed": [*begun.get("resumed", []), env]}
    path.write_text(json.dumps(begun, indent=2, sort_keys=True) + "\n")
    return [f"{key} {_at(last, key)} -> {_at(env, key)}" for key in EXACT if _at(last, key) != _at(env, key)]


def device_name(device: str) -> str:
    """The GPU's name, or the processor's with its vector instructions."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    cpu = _cpu_name() or platform.processor() or platform.machine()
    return f"{cpu} (mps)" if device == "mps" else f"{cpu} ({torch.backends.cpu.get_cpu_capability()})"


def _cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str | None:
    """The processor's name from Linux's /proc or macOS's sysctl; None where neither has one."""
    if sys.platform == "darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), None)


def _commit() -> dict[str, Any]:
    """The commit of this checkout and whether files differ from it; nulls where it is not one."""
    git = ("git", "-C", str(Path(__file__).resolve().parents[2]))
    commit, changes = _output(*git, "rev-parse", "HEAD"), _output(*git, "status", "--porcelain")
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def _output(*words: str) -> str | None:
    """What a command prints; None if it cannot be run or fails."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _at(tree: dict[str, Any], path: str) -> Any:
    value: Any = tree
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return 1 if value is None and path == "processes" else value
