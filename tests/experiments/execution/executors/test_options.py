"""Time limits as sbatch writes them, shards that cut a plan into disjoint parts, options that do not fit together."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.execution.executors.options import Engine, minutes_of, part_of
from experiments.spec import SpecError


@pytest.mark.parametrize(
    ("text", "minutes"),  # the formats in sbatch's manual, under --time
    [("90", 90), ("90:30", 91), ("4:00:00", 240), ("1-12", 36 * 60), ("1-12:30", 36 * 60 + 30), ("2-0:0:1", 2881)],
)
def test_time_limits_of_sbatch(text, minutes):
    assert minutes_of(text) == minutes


@pytest.mark.parametrize("text", ["", "4h", "1:2:3:4", "0", "-5", "1-", "1.5"])
def test_other_time_limits_are_refused(text):
    with pytest.raises(SpecError, match="--time"):
        minutes_of(text)


@given(st.integers(0, 200), st.integers(1, 50))
def test_shards_are_disjoint_and_together_the_plan(runs, count):
    plan = list(range(runs))
    shards = [part_of(plan, f"{i}/{count}") for i in range(1, count + 1)]
    assert sorted(chain.from_iterable(shards)) == plan
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/0", "a/b", "-1/4"])
def test_other_shards_are_refused(text):
    with pytest.raises(SpecError, match="write I/N"):
        part_of([], text)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"partition": "gpu"}, "--partition is for --executor slurm, not local"),
        ({"executor": "ray", "time": "90"}, "--time is for --executor slurm, not ray"),
        ({"executor": "slurm", "time": "90", "address": "a:1"}, "--address is for --executor ray, not slurm"),
        ({"gpus": 1.0}, "--gpus is for --executor slurm or ray, not local"),
        ({"executor": "slurm", "time": "90", "gpus": 0.5}, "SLURM gives whole GPUs"),
        ({"executor": "ray", "gpus": -1.0}, "must not be below 0"),
        ({"executor": "slurm"}, "needs --time"),
        ({"shard": "3/2"}, "write I/N"),
    ],
)
def test_options_that_do_not_fit_together(options, reason):
    with pytest.raises(SpecError, match=reason):
        Engine(**options).check()
