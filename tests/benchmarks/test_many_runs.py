"""The timed plan is a real one, and its status is read from the folders that were planted."""

from benchmarks import many_runs


def test_a_plan_of_a_hundred_runs(tmp_path, capsys):
    steps = many_runs.timed(100, tmp_path)
    assert list(steps) == ["make the plan", "list its folders", "write it", "read its status"]
    assert all(spent.clock_s > 0 for spent in steps.values())
    said = capsys.readouterr().out
    assert "80 of 100 runs done, 4 running, 1 failed, 15 waiting" in said
