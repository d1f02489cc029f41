"""What a run's W&B log contains: the words that training writes and the analysis reads. No heavy imports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

# What an ablation is: see `experiments.check`.
Kind = Literal["one_factor", "parts", "factorial", "ladder"]
Outcome = Literal["finished", "diverged"]  # as a run states it in its summary

# Settings that had another name in older logs and in the hash of a run: old name -> today's.
RENAMED: Mapping[str, str] = {
    "recipe.drops": "recipe.milestones",
    "recipe.drop_factor": "recipe.gamma",
    "recipe.average": "recipe.ema",
    "recipe.views": "recipe.test_crops",
    "recipe.colour_noise": "recipe.pca_noise",
}


def renamed(config: Mapping[str, Any]) -> dict[str, Any]:
    """A flat config with today's names."""
    return {RENAMED.get(key, key): value for key, value in config.items()}
