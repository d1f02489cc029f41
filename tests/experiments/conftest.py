"""A tiny real run: ResNet-8 on digits, a few steps an epoch."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from experiments import data
from experiments.spec import DataSpec, NetSpec, Recipe, RunSpec


@pytest.fixture(scope="session")
def digits():
    return data.load("digits", train_images=200)


@pytest.fixture
def tiny() -> RunSpec:
    """200 images in batches of 32: epochs of 7, 6, 6, 6 and 1 steps, with warm-up and drops on the way."""
    recipe = Recipe(iterations=26, batch_size=32, learning_rate=0.05, warmup=0.1, crop_padding=1, flip=False)
    return RunSpec(net=NetSpec("resnet8"), data=DataSpec("digits", train_images=200), recipe=recipe, seed=1)


@pytest.fixture
def with_seed():
    return lambda spec, seed: replace(spec, seed=seed)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def one_thread():
    """As runs have it by default; the last bits depend on it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
