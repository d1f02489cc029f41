"""A plan written and read again: every run with its folder, whatever the plan's name."""

from experiments import ablations
from experiments.ablation import Overrides
from experiments.planning import plan_file
from experiments.planning.plan import plan


def test_a_plan_is_read_as_it_was_written(tmp_path):
    jobs = plan(ablations.load("mnist_basics"), "smoke", Overrides(), seeds=[0, 3], out=tmp_path)
    plan_file.write(jobs, "smoke-seeds_0+3")
    plan_file.write(jobs[:2], "quick")
    found = plan_file.read(jobs[0].study)
    assert {name: len(runs) for name, runs in found.items()} == {"quick": 2, "smoke-seeds_0+3": 10}
    assert [jobs[0].study / run.folder for run in found["smoke-seeds_0+3"]] == [job.folder for job in jobs]
    assert [run.name for run in found["quick"]] == [job.name for job in jobs[:2]]
    assert list(plan_file.read(jobs[0].study, "smoke")) == ["smoke-seeds_0+3"]
    assert plan_file.read(tmp_path / "nothing") == {}
    work = jobs[0].spec.recipe.iterations * jobs[0].spec.recipe.batch_size * jobs[0].context["multiply_adds"]
    assert found["quick"][0].work == work
