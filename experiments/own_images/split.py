"""How many images of each class are for training, where a data set has no test set of its own."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.dataset_info import DataError


def train_count(members: int, split: float) -> int:
    """round(split * members), but at least one image on either side."""
    return min(max(round(split * members), 1), members - 1)


def train_counts(name: str, members: Mapping[str, int], split: float) -> list[int]:
    """`train_count` of every class, in order. Raises DataError for a class with a single image."""
    if not 0 < split < 1:
        raise DataError(f"split must be above 0 and below 1, not {split}")
    if single := [label for label, count in members.items() if count < 2]:
        raise DataError(f"{name}: class {single[0]} has one image; a split needs at least two images of every class")
    return [train_count(count, split) for count in members.values()]


def check_classes(name: str, classes: list[str]) -> None:
    """Raise DataError for fewer than two classes."""
    if len(classes) < 2:
        raise DataError(f"{name} has only the class {classes[0]}; at least two are needed")
