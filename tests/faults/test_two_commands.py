"""The same command started twice: every run is trained once, and both end with the table of an unbroken study."""

from pathlib import Path

import pytest

from tests.faults.study import left_behind, results, same, start, unbroken


def logs(out: Path) -> list[Path]:
    """Those of runs: the study's own, with its table, is written by each command that ends."""
    return [path for path in out.rglob("*.wandb") if "-report-" not in path.name]


@pytest.mark.slow
def test_ten_times_two_at_once(tmp_path, capsys):
    expected, _ = unbroken(tmp_path / "unbroken")
    once = len(logs(tmp_path / "unbroken"))
    waited = 0
    for k in range(10):
        out = tmp_path / f"study{k}"
        pair = [start(out), start(out)]
        assert [process.wait(timeout=600) for process in pair] == [0, 0]
        found = results(out)
        assert [key for key in expected if not same(expected[key], found[key])] == []
        assert len(logs(out)) == once  # a run trained twice would have logged twice
        assert left_behind(out) == []
        waited += "waiting for its result" in (tmp_path / f"study{k}.err").read_text()
    with capsys.disabled():
        print(f"\n10 of 10 pairs: equal to the unbroken study; in {waited} the second waited for runs of the first")
    assert waited > 0
