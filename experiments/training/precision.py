"""The number format of a run's forward and backward passes, and their compilation."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from experiments.spec import RunSpec


def autocast(spec: RunSpec) -> torch.autocast:
    """bfloat16 where the recipe says so: convolutions and linear layers in it, weights and losses in float32."""
    return torch.autocast(spec.device, torch.bfloat16, enabled=spec.recipe.precision == "bf16")


def set_tf32(spec: RunSpec) -> None:
    """On a CUDA device, round factors of float32 products to TF32's 10 bits of mantissa if the recipe says so."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = spec.recipe.precision == "tf32"


def compiled(net: nn.Module, spec: RunSpec) -> nn.Module:
    """The net itself, or the net with its passes fused by torch.compile; the parameters are the same.

    Clears what this process compiled before: otherwise another batch size would make the next run's kernels general,
    and the ninth structure would silently train eagerly, so the bits would depend on which runs share a process. The
    kernels stay on disk: the next seed starts after 1 s instead of 30.
    """
    if not spec.compiled:
        return net
    torch.compiler.reset()
    return cast(nn.Module, torch.compile(net, dynamic=False))
