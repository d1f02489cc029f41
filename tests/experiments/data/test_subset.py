"""Class-balanced subsets on labels written by hand."""

from __future__ import annotations

import pytest
import torch

from experiments.data.load import DataError, balanced_indices


@pytest.mark.parametrize(
    ("count", "kept"),
    [
        (3, [0, 1, 4]),  # 1 of each class in the order of the data
        (4, [0, 1, 2, 4]),  # the remainder goes to class 0
        (5, [0, 1, 2, 3, 4]),  # and to class 1
        (8, [0, 1, 2, 3, 4, 5, 6, 7]),  # all, balanced or not
    ],
)
def test_balanced_subset_is_the_first_of_each_class(count: int, kept: list[int]) -> None:
    labels = torch.tensor([1, 0, 0, 1, 2, 2, 0, 1])
    assert balanced_indices(labels, count, classes=3).tolist() == kept


@pytest.mark.parametrize("count", [0, 8])
def test_subset_size_out_of_range(count: int) -> None:
    with pytest.raises(DataError, match=f"train_images must be between 1 and 7, got {count}"):
        balanced_indices(torch.tensor([1, 0, 0, 1, 2, 0, 1]), count, classes=3)


def test_subset_that_a_small_class_cannot_fill() -> None:
    message = "needs 2 images of class 2, which has 1; use all 7, or 3 or fewer"
    with pytest.raises(DataError, match=message):
        balanced_indices(torch.tensor([1, 0, 0, 1, 2, 0, 1]), 6, classes=3)
