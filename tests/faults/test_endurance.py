"""Five hundred runs of one command: processes, open files, threads and memory stay as they are."""

from dataclasses import replace

import psutil
import pytest

from experiments.execution.launch import launch
from experiments.planning.job import Job

RUNS, SETTLED = 500, 50
MOST_GROWTH = 64 * 2**20  # bytes over 450 runs of all processes together: 0.15 MB per run


def usage():
    """Processes, threads, open files and resident bytes of this process and all that it has started."""
    counts = [0, 0, 0, 0]
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            found = (1, process.num_threads(), process.num_fds(), process.memory_info().rss)
        except psutil.Error:
            continue
        counts = [have + more for have, more in zip(counts, found, strict=True)]
    return counts


@pytest.mark.slow
@pytest.mark.parametrize(("parallel", "wandb"), [(1, "disabled"), (2, "disabled"), (2, "offline")])
def test_five_hundred_runs(tiny, one_thread, tmp_path, capsys, parallel, wandb):
    short = replace(tiny, recipe=replace(tiny.recipe, iterations=2, warmup=0.0, milestones=()))
    job = Job("many", "original", "smoke", short, {"parameters": 7}, tmp_path, None, wandb)
    jobs = [replace(job, spec=replace(short, seed=seed)) for seed in range(RUNS)]
    seen = []
    for ended in launch(jobs, parallel, lambda job, row: None):
        assert ended.result == "finished", ended.error
        seen.append(usage())
    settled, last = ([max(kind) for kind in zip(*part, strict=True)] for part in (seen[:SETTLED], seen[-SETTLED:]))
    with capsys.disabled():
        print(f"\n{parallel} in parallel, W&B {wandb}: processes, threads, files, bytes {settled} -> {last}")
    assert last[0] <= settled[0] + 1
    assert last[1] <= settled[1] + 4
    assert last[2] <= settled[2] + 10
    assert last[3] <= settled[3] + MOST_GROWTH
