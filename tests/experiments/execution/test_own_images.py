"""A run of a user's own images: finished once, refused when the images are others, resumed when they are the same."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from PIL import Image

from analysis.logs import load
from experiments.data.contents import contents, digest
from experiments.datasets import DataError
from experiments.execution.run import complete_run
from experiments.planning.job import Job
from experiments.spec import DataSpec, RunSpec


@pytest.fixture
def own(tiny: RunSpec, tmp_path: Path) -> Job:
    """Dark and light images, of 8 x 8 pixels; as BMP, so that all files have one size."""
    for part, count in (("train", 8), ("val", 2)):
        for label, level in (("dark", 30), ("light", 220)):
            (tmp_path / "images" / part / label).mkdir(parents=True)
            for k in range(count):
                Image.new("L", (8, 8), level + k).save(tmp_path / "images" / part / label / f"{k}.bmp")
    data = DataSpec(f"imagefolder:{tmp_path / 'images'}", image_size=8)
    recipe = dataclasses.replace(tiny.recipe, batch_size=8, iterations=2)
    spec = dataclasses.replace(tiny, data=data, recipe=recipe)
    return Job("own", "original", "smoke", spec, {"parameters": 7}, tmp_path / "runs", None, "offline")


def test_swapped_classes_are_not_finished_before(own: Job, tmp_path: Path) -> None:
    assert complete_run(own, lambda row: None) == "finished"
    assert complete_run(own, lambda row: None) == "skipped"
    runs, _ = load(own.out)
    assert runs.iloc[0]["config.env.data"] == digest(contents(own.spec.data) or {})
    train = tmp_path / "images" / "train"
    for name, other in (("dark", "x"), ("light", "dark"), ("x", "light")):
        (train / name).rename(train / other)
    with pytest.raises(DataError, match=r"has changed since .* was begun: train/dark \(8 images, .* and 1 more"):
        complete_run(own, lambda row: None)
    for name, other in (("dark", "x"), ("light", "dark"), ("x", "light")):
        (train / name).rename(train / other)
    assert complete_run(own, lambda row: None) == "skipped"
