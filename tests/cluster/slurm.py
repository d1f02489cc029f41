"""A study on a two-node SLURM: a job killed, one told that its time is over, a node stopped; equal to the local one.

`python -m tests.cluster.slurm` as root, with Debian's packages slurmctld, slurmd, slurm-client and munge.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from experiments.execution.lock import holder_of
from tests.cluster.study import (
    command,
    differences,
    epoch_of,
    folders,
    fragments,
    local,
    process_of,
    status,
    wait_for,
)  # fmt: skip
from tests.cluster.two_nodes import TwoNodes, missing


def tasks(cluster: TwoNodes) -> dict[str, tuple[str, str, str]]:
    """Of every task that SLURM knows: its own job number, its state and its node."""
    lines = cluster.slurm("squeue", "-h", "-r", "--states=all", "-o", "%i %A %T %N").splitlines()
    return {words[0]: (words[1], words[2], words[3] if len(words) > 3 else "") for words in map(str.split, lines)}


def task_of(out: Path, run: str) -> str:
    return (folders(out)[run] / "slurm_task.txt").read_text().strip()


def demonstrate(folder: Path, expected: Path | None = None) -> dict[str, object]:
    """What became of the study. folder: on disk. expected: the local study, if there is one already."""
    if expected is None:
        local(expected := folder / "local")
    out, report = folder / "slurm", dict[str, object]()
    with TwoNodes() as cluster, (folder / "slurm.txt").open("w") as said:
        started = time.monotonic()
        call = command(out, "--executor", "slurm", "--partition", "main", "--time", "60")
        process = subprocess.Popen(cluster.inside(*call), stdout=said, stderr=said, env=cluster.environment)

        try:

            def under_way(run: str) -> bool:
                if process.poll() is not None:
                    raise RuntimeError((folder / "slurm.txt").read_text())
                return 1 <= epoch_of(out, run) < 12

            killed, requeued = "cnn-s0", "lenet-s0"
            wait_for(lambda: under_way(killed), "first epoch")
            job = tasks(cluster)[task_of(out, killed)][0]
            process_of("SLURM_JOB_ID", job, "submitit.core._submit").send_signal(signal.SIGKILL)
            report["killed"] = f"{killed}, task {task_of(out, killed)}, after epoch {epoch_of(out, killed)}"

            wait_for(lambda: under_way(requeued), "first epoch")
            cluster.slurm("scancel", "--signal=USR2", task_of(out, requeued))
            report["time over"] = f"{requeued}, task {task_of(out, requeued)}, after epoch {epoch_of(out, requeued)}"

            def on_second_node() -> list[str]:
                where = tasks(cluster)
                place = {run: where.get(task_of(out, run), ("", "", ""))[1:] for run in folders(out)}
                return [run for run in folders(out) if place[run] == ("RUNNING", "n2")]

            others = set(folders(out)) - {killed, requeued}
            wait_for(lambda: others & set(filter(under_way, on_second_node())), "run on n2")
            lost = on_second_node()
            report["node n2 stopped, with"] = {run: f"after epoch {epoch_of(out, run)}" for run in lost}
            cluster.stop_node("n2")
            report["its runs were held by"] = [holder_of(folders(out)[run]) for run in lost]
            viewer = ("unshare", "--uts", "sh", "-c", 'hostname viewer && exec "$@"', "sh")
            report["status"] = status(out, cluster.inside(*viewer))
            report["exit status"] = process.wait(timeout=1800)
            report["seconds"] = round(time.monotonic() - started)
            report["tasks"] = tasks(cluster)
        finally:
            process.kill()
    report["logs per run"] = fragments(out)
    report["interrupted"] = sorted({killed, requeued, *lost})
    report["different from the local study"] = differences(expected, out)
    report["said"] = (folder / "slurm.txt").read_text()
    return report


if __name__ == "__main__":
    if reason := missing():
        sys.exit(reason)
    with tempfile.TemporaryDirectory(prefix="cluster-") as temporary:
        given = Path(sys.argv[1]) if len(sys.argv) > 1 else None
        for name, value in demonstrate(Path(temporary), given).items():
            print(f"{name}: {value}")
