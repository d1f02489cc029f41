"""A study on a two-node Ray cluster of this machine: a worker killed, then a node; equal to the local one.

`python -m tests.cluster.ray_nodes` as root, with Ray installed. The cluster has a network and process ids of its own:
nothing outside is reached, and nothing of it is left behind.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

from experiments.execution.lock import NAME as LOCK
from tests.cluster.study import command, differences, epoch_of, folders, fragments, local, status, wait_for

ALONE = ("unshare", "--net", "--uts", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc")
STORE = 80 * 1024**2  # bytes of Ray's object store per node: jobs and results are small
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - Ray's 15 starves the workers where other work runs


def missing() -> str | None:
    """What this machine lacks for it, in words."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return "a network of its own needs root and unshare"
    return None if importlib.util.find_spec("ray") else "no Ray: pip install -e '.[ray]'"


def holder(out: Path, run: str) -> psutil.Process:
    """The process that trains a run."""
    text = (folders(out)[run] / LOCK).read_text()
    return psutil.Process(int(dict(line.split("=", 1) for line in text.splitlines() if "=" in line)["pid"]))


def demonstrate(folder: Path, expected: Path | None = None) -> dict[str, object]:
    """What became of the study. folder: on disk. expected: the local study, if there is one already."""
    if expected is None:
        local(expected := folder / "local")
    clusters: Any = import_module("ray.cluster_utils")
    out, report = folder / "ray", dict[str, object]()
    started = time.monotonic()
    node = {"num_cpus": 2, "num_gpus": 0, "object_store_memory": STORE}
    cluster = clusters.Cluster(initialize_head=True, head_node_args=node)
    second = cluster.add_node(**node)
    cluster.wait_for_nodes()
    report["cluster up"] = f"{time.monotonic() - started:.1f} s"
    with (folder / "ray.txt").open("w") as said:
        started = time.monotonic()
        call = command(out, "--executor", "ray", "--address", cluster.address)
        process = subprocess.Popen(call, stdout=said, stderr=said)
        try:

            def under_way(run: str) -> bool:
                if process.poll() is not None:
                    raise RuntimeError((folder / "ray.txt").read_text())
                return 1 <= epoch_of(out, run) < 12 and (folders(out)[run] / LOCK).exists()

            wait_for(lambda: any(map(under_way, folders(out))), "first epoch")
            killed = next(filter(under_way, folders(out)))
            report["worker killed"] = f"{killed} after epoch {epoch_of(out, killed)}"
            holder(out, killed).kill()

            raylet = psutil.Process(second.all_processes["raylet"][0].process.pid)

            def on_second_node() -> list[str]:
                workers = {child.pid for child in raylet.children(recursive=True)}
                others = [run for run in folders(out) if run != killed and under_way(run)]
                return [run for run in others if holder(out, run).pid in workers]

            wait_for(on_second_node, "run on the second node")
            lost = on_second_node()
            report["node killed, with"] = {run: f"after epoch {epoch_of(out, run)}" for run in lost}
            report["status"] = status(out)
            cluster.remove_node(second, allow_graceful=False)
            report["exit status"] = process.wait(timeout=1800)
            report["seconds"] = round(time.monotonic() - started)
        finally:
            process.kill()
            cluster.shutdown()
    report["logs per run"] = fragments(out)
    report["interrupted"] = sorted({killed, *lost})
    report["different from the local study"] = differences(expected, out)
    report["said"] = (folder / "ray.txt").read_text()
    return report


def alone(*words: str) -> list[str]:
    """The command that runs `words` with a loopback device and process ids of its own."""
    return [*ALONE, "sh", "-c", 'hostname nodes && ip link set lo up && exec "$@"', "sh", *words]


if __name__ == "__main__":
    if reason := missing():
        sys.exit(reason)
    if sys.argv[1:2] != ["inside"]:
        sys.exit(
            subprocess.run(alone(sys.executable, "-m", "tests.cluster.ray_nodes", "inside", *sys.argv[1:])).returncode
        )
    with tempfile.TemporaryDirectory(prefix="cluster-") as temporary:
        given = Path(sys.argv[2]) if len(sys.argv) > 2 else None
        for name, value in demonstrate(Path(temporary), given).items():
            print(f"{name}: {value}")
