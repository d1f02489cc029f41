"""The number format of a run's passes."""

from __future__ import annotations

import torch

from experiments.spec import RunSpec


def autocast(spec: RunSpec) -> torch.autocast:
    """bfloat16 where the recipe says so: convolutions and linear layers in it, weights and losses in float32."""
    return torch.autocast(spec.device, torch.bfloat16, enabled=spec.recipe.precision == "bf16")
