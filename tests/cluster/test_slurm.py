"""The study on a two-node SLURM ends like the local one, whatever happens to its jobs on the way."""

import pytest

from tests.cluster.slurm import demonstrate
from tests.cluster.two_nodes import missing


@pytest.mark.slow
@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_a_job_killed_one_whose_time_is_over_and_a_node_stopped(tmp_path):
    report = demonstrate(tmp_path)
    assert report["exit status"] == 0, report["said"]
    assert report["different from the local study"] == []
    broken = report["interrupted"]
    assert len(broken) >= 3
    assert report["logs per run"] == {run: 2 if run in broken else 1 for run in report["logs per run"]}  # none twice
    assert "it is submitted again" in report["said"]
