"""Do signals reach every unit? Sizes of activations and gradients per unit, and gates, at the start of an epoch."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import nn

from experiments.data.augment import Batches
from experiments.data.test_crops import centre
from experiments.seeding import global_streams, reseed_global, restore_streams
from experiments.spec import RunSpec
from experiments.training.losses import training_loss
from experiments.training.precision import autocast
from nets.densenet import DenseLayer
from nets.inception.modules import Mixed, ResidualMixed
from nets.mobilenet import MobileNet
from nets.residual import ResidualUnit
from nets.shortcuts import Gated

IMAGES = 64


def measure(net: nn.Module, spec: RunSpec, batches: Batches) -> dict[str, float]:
    """{"signal/activation/00": rms(y_0), "signal/gradient/00": rms(dL/dy_0), "signal/gate/00": mean(g_0), ...}.

    y_k is the output of unit k, L the training loss, g_k the gate of the unit's shortcut, where it has one; over the
    first 64 training images, whole or cut to their centre, in training mode. A copy of the net does the work and the
    global random streams are put back: training continues as if nothing had been measured.
    """
    twin = copy.deepcopy(net).train()
    units = units_of(twin)
    width = max(2, len(str(len(units) - 1)))
    found: dict[str, torch.Tensor] = {}
    for k, unit in enumerate(units):
        _watch(unit, f"{k:0{width}}", found)
    streams = global_streams(spec.device)
    reseed_global(spec.seed, "signals")
    first = batches.first(IMAGES)
    images = centre(batches.pixels(first.images), batches.side)
    with autocast(spec):
        output = twin(images.contiguous(memory_format=torch.channels_last))
        loss, _ = training_loss(output, first.labels, spec.recipe)
    loss.backward()
    restore_streams(streams)
    keys = sorted(found)
    return dict(zip(keys, torch.stack([found[key] for key in keys]).tolist(), strict=True)) if keys else {}


def units_of(net: nn.Module) -> list[nn.Module]:
    """In order: residual units, Inception modules, the branches of dense layers and MobileNet's units, or, in a net
    that has none of them, its convolutions."""
    return list(_units(net)) or [m for m in net.modules() if isinstance(m, nn.Conv1d | nn.Conv2d | nn.Conv3d)]


def _units(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if isinstance(child, ResidualUnit | ResidualMixed | Mixed):
            yield child
        elif isinstance(child, DenseLayer):
            yield child.branch
        elif isinstance(module, MobileNet) and child is module.units:
            yield from child
        else:
            yield from _units(child)


def _watch(unit: nn.Module, number: str, found: dict[str, torch.Tensor]) -> None:
    """Have the unit's next forward pass store its values in `found`, and its backward pass the gradient's."""

    def note(_unit: nn.Module, _inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        found[f"signal/activation/{number}"] = _rms(output)
        output.register_hook(lambda gradient: found.update({f"signal/gradient/{number}": _rms(gradient)}))

    def note_gate(_gate: nn.Module, _inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        found[f"signal/gate/{number}"] = output.detach().float().sigmoid().mean()

    unit.register_forward_hook(note)
    if isinstance(shortcut := getattr(unit, "shortcut", None), Gated):
        shortcut.gate.register_forward_hook(note_gate)


def _rms(values: torch.Tensor) -> torch.Tensor:
    return values.detach().float().square().mean().sqrt()
