"""CPU threads per run: the formula, and that a study keeps the number that it was begun with."""

from dataclasses import replace

import pytest

from experiments import ablations, machine
from experiments.ablation import Overrides
from experiments.planning import threads
from experiments.planning.plan import plan
from experiments.spec import SpecError

ABLATION = ablations.load("resnet_preact")  # smoke: five variants, 2 epochs, batches of 32
DECLARED = ABLATION.specs("smoke")


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch):
    monkeypatch.setattr(machine, "cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def jobs_of(out, variants=("original",), seeds=(0,), profile="smoke", **changes):
    return plan(ABLATION, profile, Overrides(variants, **changes), seeds=seeds, out=out)


def settled(jobs, local=True):
    return threads.settled(jobs, lambda: DECLARED, local)


def number(jobs):
    (found,) = {job.spec.threads for job in jobs}
    return found


@pytest.mark.parametrize(
    ("runs", "batch", "limit", "expected"),
    [
        (1, 128, None, 8),
        (3, 128, None, 2),  # 8 / 3
        (8, 128, None, 1),
        (15, 128, None, 1),
        (1, 32, None, 4),  # one per 8 images
        (1, 4, None, 1),
        (1, 128, "2", 2),
        (1, 128, "", 8),
    ],
)
def test_the_formula(monkeypatch, runs, batch, limit, expected):
    if limit is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", limit)
    assert threads.threads_for(runs, batch) == expected


def test_as_many_runs_as_cores_keep_their_ids(tmp_path):
    jobs = jobs_of(tmp_path, (), range(3))
    assert settled(jobs) == jobs


def test_a_study_keeps_its_number(tmp_path, monkeypatch):
    """On resume, with seeds and variants added, on another machine; another profile has its own."""
    begun = settled(jobs_of(tmp_path))
    assert number(begun) == 4
    threads.keep(begun)
    monkeypatch.setattr(machine, "cores", lambda: 2)
    assert settled(jobs_of(tmp_path)) == begun
    assert number(settled(jobs_of(tmp_path, (), range(3)))) == 4
    assert number(settled(jobs_of(tmp_path, seeds=range(5, 9)))) == 4
    assert number(settled(jobs_of(tmp_path, profile="quick", seeds=(0,)))) == 2


@pytest.mark.parametrize("begun_with", [1, 3])
def test_a_study_of_an_older_version_is_recognised_by_its_folders(tmp_path, begun_with):
    job = jobs_of(tmp_path, ("full_preact",))[0]
    replace(job, spec=replace(job.spec, threads=begun_with)).folder.mkdir(parents=True)
    assert number(settled(jobs_of(tmp_path, seeds=(7,)))) == begun_with


def test_runs_of_other_settings_do_not_count(tmp_path):
    job = jobs_of(tmp_path, epochs=3)[0]
    replace(job, spec=replace(job.spec, threads=3)).folder.mkdir(parents=True)
    assert number(settled(jobs_of(tmp_path))) == 4


def test_runs_elsewhere_and_runs_of_several_processes_have_one(tmp_path, monkeypatch):
    assert number(settled(jobs_of(tmp_path), local=False)) == 1
    monkeypatch.setattr("experiments.torchrun.count", lambda: 2)
    assert number(settled(jobs_of(tmp_path))) == 1


@pytest.mark.parametrize("content", ["", "many", "0"])
def test_a_damaged_number_is_named_and_not_needed(tmp_path, content):
    jobs = settled(jobs_of(tmp_path))
    threads.keep(jobs)
    jobs[0].folder.mkdir(parents=True)
    file = tmp_path / "resnet_preact/plans/smoke.threads"
    file.write_text(content)
    with pytest.raises(SpecError, match="instead of a number of threads; delete it"):
        settled(jobs_of(tmp_path))
    file.unlink()
    assert settled(jobs_of(tmp_path)) == jobs


def test_what_is_declared_stays(tmp_path):
    jobs = [replace(job, spec=replace(job.spec, threads=2)) for job in jobs_of(tmp_path)]
    assert settled(jobs) == jobs


def test_two_commands_that_begin_at_once_agree(tmp_path):
    first, second = settled(jobs_of(tmp_path)), settled(jobs_of(tmp_path, (), range(3)))
    assert (number(first), number(second)) == (4, 1)
    threads.keep(second)
    threads.keep(second)
    with pytest.raises(SpecError, match="begun this study with 1 CPU threads per run; run the same command again"):
        threads.keep(first)
    assert number(settled(jobs_of(tmp_path))) == 1
    assert [path.name for path in (tmp_path / "resnet_preact/plans").iterdir()] == ["smoke.threads"]
