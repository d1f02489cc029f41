"""The cost of a net: parameters, multiply-adds, weight layers, and a layer-by-layer trace."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

Shape = tuple[int, ...]
KEEPS_SHAPE = (nn.BatchNorm2d, nn.GroupNorm, nn.ReLU)
WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
NOT_COUNTED = {"shortcut", "attention"}


@dataclass(frozen=True)
class LayerCost:
    """One call of a leaf module in a forward pass; shapes are without the batch dimension."""

    name: str
    kind: str
    in_shape: Shape
    out_shape: Shape
    parameters: int
    multiply_adds: int


def parameters(net: nn.Module) -> int:
    """Trainable values, each counted once."""
    return sum(p.numel() for p in net.parameters())


def multiply_adds(net: nn.Module, input_shape: Sequence[int] = (3, 32, 32)) -> int:
    """Multiply-adds (one MAC counts as one) of all convolutions and linear layers for one image (C, H, W).

    Biases, norms, activations and pooling are not counted, as in He et al. 2015, Table 1.
    """
    return sum(layer.multiply_adds for layer in trace(net, input_shape))


def weight_layers(net: nn.Module) -> int:
    """The depth in a net's name: convolutions and linear layers, shortcuts and attention layers not counted."""
    return sum(
        isinstance(module, WEIGHTED) and NOT_COUNTED.isdisjoint(name.split(".")) for name, module in net.named_modules()
    )


@torch.no_grad()
def trace(net: nn.Module, input_shape: Sequence[int] = (3, 32, 32), device: str = "meta") -> list[LayerCost]:
    """The leaf modules of `net` in the order in which an evaluation pass calls them.

    Runs on a copy, so the net and its running statistics do not change. On the device "meta" the copy has no storage;
    a net whose forward pass depends on values needs "cpu". A module that is called twice has two rows; its parameters
    are in the first.
    """
    twin = copy.deepcopy(net).to(device).eval()
    rows: list[LayerCost] = []
    seen: set[str] = set()

    def note(name: str, module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        rows.append(
            LayerCost(
                name,
                type(module).__name__,
                tuple(inputs[0].shape[1:]),
                tuple(output.shape[1:]),
                0 if name in seen else sum(p.numel() for p in module.parameters()),
                _macs(module, tuple(output.shape[1:])),
            )
        )
        seen.add(name)

    for name, module in twin.named_modules():
        if isinstance(module, KEEPS_SHAPE):
            module.forward = lambda x: x  # BN's shape rules took two thirds of the time for a deep net
        if not any(module.children()):
            module.register_forward_hook(lambda m, i, o, name=name: note(name, m, i, o))
    twin(torch.zeros(1, *input_shape, device=device))
    return rows


def _macs(module: nn.Module, out_shape: Shape) -> int:
    """Every value of the output is a sum over one row of the weight."""
    return torch.Size(out_shape).numel() * module.weight[0].numel() if isinstance(module, WEIGHTED) else 0
