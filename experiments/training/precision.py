"""The number format of a run's passes, and their compilation."""

from __future__ import annotations

import torch
from torch import nn

from experiments.spec import RunSpec


def autocast(spec: RunSpec) -> torch.autocast:
    """bfloat16 where the recipe says so: convolutions and linear layers in it, weights and losses in float32."""
    return torch.autocast(spec.device, torch.bfloat16, enabled=spec.recipe.precision == "bf16")


def set_tf32(spec: RunSpec) -> None:
    """On a GPU, products of float32 rounded to TF32's 10 bits of mantissa where the recipe says so, else none."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = spec.recipe.precision == "tf32"


def compiled(net: nn.Module, spec: RunSpec) -> nn.Module:
    """The net itself, or its passes fused by torch.compile; same parameters.

    Forgets what this process compiled before: kept, another batch size would make the next one's kernels general, and
    the ninth structure would silently train eagerly, so that bits depended on which runs share a process. The disk
    keeps the kernels: the next seed begins after 1 s, not after 30.
    """
    if not spec.compiled:
        return net
    torch.compiler.reset()
    return torch.compile(net, dynamic=False)
