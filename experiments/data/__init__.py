"""Data sets: `data.load("cifar10")`; where they come from, how they are checked, cropped and augmented."""

from experiments.data.load import (
    DATASETS,
    DataError,
    Dataset,
    Split,
    balanced_indices,
    default_root,
    load,
    load_for,
    prepare,
)

__all__ = [
    "DATASETS",
    "DataError",
    "Dataset",
    "Split",
    "balanced_indices",
    "default_root",
    "load",
    "load_for",
    "prepare",
]
