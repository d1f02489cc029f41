"""The table of data sets: light to import, consistent rows."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import astuple
from pathlib import Path

import pytest

from experiments.data.sources import NPM_PARSERS, OFFICIAL_FILES, SOURCES, TITLES
from experiments.datasets import DATASETS

ROOT = Path(__file__).resolve().parents[2]


def test_table_imports_no_heavy_library() -> None:
    code = "import sys, experiments.datasets; print(*{m.partition('.')[0] for m in sys.modules})"
    imported = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {"experiments"} <= set(imported.split())
    assert not {"torch", "torchvision", "sklearn", "numpy", "PIL"} & set(imported.split())


@pytest.mark.parametrize("name", DATASETS)
def test_every_source_of_a_row_can_be_asked(name: str) -> None:
    for source in DATASETS[name].sources:
        kind, _, what = source.partition(":")
        assert kind in SOURCES
        assert kind in TITLES
        assert kind != "npm" or what.partition("@")[0] in NPM_PARSERS
        assert kind != "torchvision" or what in OFFICIAL_FILES


def test_sums_are_sha256_and_all_different() -> None:
    sums = [text for info in DATASETS.values() if info.sums for text in astuple(info.sums)]
    assert all(re.fullmatch("[0-9a-f]{64}", text) for text in sums)
    assert len(set(sums)) == len(sums)


def test_augmentation_of_the_cifar_papers() -> None:
    # He et al. 2015, section 4.2: 4 pixels padded on each side, a random 32x32 crop, or its horizontal flip.
    assert [(DATASETS[name].crop_padding, DATASETS[name].flip) for name in ("cifar10", "cifar100")] == [(4, True)] * 2
    # A mirrored digit is another sign.
    assert not DATASETS["mnist"].flip
    assert not DATASETS["digits"].flip
