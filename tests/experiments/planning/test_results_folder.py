"""A part of a profile, a changed one and another metric are written beside the whole result."""

import os
from pathlib import Path

import pytest

from experiments import ablations
from experiments.ablation import Overrides
from experiments.planning.plan import plan
from experiments.planning.results_folder import last_table, results_folder

OUT = Path("runs")
ABLATION = ablations.load("resnet_preact")  # smoke: five variants, 14 seeds


def name_of(overrides=None, seeds=None, **more):
    overrides = overrides or Overrides()
    jobs = plan(ABLATION, "smoke", overrides, seeds=seeds, out=OUT)
    folder = results_folder(ABLATION, "smoke", overrides, jobs, **more)
    assert folder.parent == OUT / "resnet_preact" / "results"
    return folder.name


@pytest.mark.parametrize(
    ("overrides", "seeds", "name"),
    [
        (Overrides(), None, "smoke"),
        (Overrides(device="cpu"), None, "smoke"),
        (Overrides(), range(20), "smoke"),
        (Overrides(tuple(variant.name for variant in ABLATION.variants)), None, "smoke"),
        (Overrides(("original", "full_preact")), None, "smoke-variants_original+full_preact"),
        (Overrides(("full_preact", "original")), None, "smoke-variants_original+full_preact"),
        (Overrides(), range(1), "smoke-seeds_0"),
        (Overrides(), range(2), "smoke-seeds_0-1"),
        (Overrides(), (0, 2, 9), "smoke-seeds_0+2+9"),
        (
            Overrides(("original",), depth=20, epochs=0.5), range(2),
            "smoke-variants_original-seeds_0-1-depth_20-epochs_0.5",
        ),
        (Overrides(threads=2), None, "smoke-threads_2"),
        (
            Overrides(settings=("recipe.gamma=0.2", "recipe.momentum=0.8")), None,
            "smoke-settings_recipe.gamma=0.2,recipe.momentum=0.8",
        ),
    ],
)  # fmt: skip
def test_what_is_not_the_declared_profile_joins_the_name(overrides, seeds, name):
    assert name_of(overrides, seeds) == name


def test_another_metric_has_a_folder_of_its_own():
    assert name_of(metric="error") == "smoke"
    assert name_of(metric="ece") == "smoke-ece"
    assert name_of(seeds=range(1), metric="ece") == "smoke-seeds_0-ece"


def test_a_name_is_one_that_every_file_system_takes(tmp_path):
    many = Overrides(tuple(variant.name for variant in ABLATION.variants[:4]))
    names = {name_of(many, tuple(range(0, 60, step))) for step in (2, 4, 6)}
    assert len(names) == 3
    for name in names:
        assert len(name) <= 120
        (tmp_path / name).mkdir()


def test_the_table_written_last(tmp_path):
    assert not last_table(tmp_path).exists()
    for age, name in ((30, "smoke"), (10, "smoke-seeds_0"), (20, "quick")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "table.md").touch()
        os.utime(tmp_path / name / "table.md", (1e9 - age, 1e9 - age))
    assert last_table(tmp_path) == tmp_path / "smoke-seeds_0" / "table.md"
