"""The study on a two-node Ray cluster ends like the local one, although a worker and then a node are killed."""

import subprocess
import sys

import pytest

from tests.cluster.ray_nodes import alone, missing


@pytest.mark.slow
@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_a_worker_killed_and_then_a_node(tmp_path):
    call = alone(sys.executable, "-m", "tests.cluster.ray_nodes", "inside")
    done = subprocess.run(call, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "exit status: 0\n" in done.stdout
    assert "different from the local study: []\n" in done.stdout
    said = dict(line.partition(": ")[::2] for line in done.stdout.splitlines())
    broken = said["interrupted"]
    logs = dict(part.split(": ") for part in said["logs per run"].strip("{}").replace("'", "").split(", "))
    assert {run: 2 if f"'{run}'" in broken else 1 for run in logs} == {run: int(count) for run, count in logs.items()}
