"""Data sets: where they come from, how they are checked, cached and loaded, and how batches are made from them."""

from experiments.data.augment import Batches, Draws, Pixels, Samples
from experiments.data.cache import default_root, fetch
from experiments.data.load import Dataset, Split, balanced_indices, load, load_for, prepare
from experiments.data.test_crops import crops_of, predict
from experiments.datasets import DATASETS, DataError, DatasetInfo

__all__ = [
    "DATASETS",
    "Batches",
    "DataError",
    "Dataset",
    "DatasetInfo",
    "Draws",
    "Pixels",
    "Samples",
    "Split",
    "balanced_indices",
    "crops_of",
    "default_root",
    "fetch",
    "load",
    "load_for",
    "predict",
    "prepare",
]
