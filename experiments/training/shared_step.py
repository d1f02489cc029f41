"""A step whose batch is taken in equal parts, by several processes or by one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from experiments import torchrun
from experiments.data.augment import Samples
from experiments.seeding import reseed_global
from experiments.spec import RunSpec, SpecError
from experiments.training import group
from experiments.training.step import Step
from experiments.training.sync_bn import synchronised


def is_shared(spec: RunSpec) -> bool:
    return group.size() > 1 or (spec.recipe.bn_groups or 1) > 1


def prepared(net: nn.Module, spec: RunSpec) -> nn.Module:
    """The net, its batch norm over all processes unless the recipe has groups of its own."""
    synchronise = group.size() > 1 and spec.recipe.bn_groups is None
    return synchronised(net, spec.device) if synchronise else net


def distributed(net: nn.Module) -> nn.Module:
    """The net, with gradients averaged over the processes while its backward pass computes them."""
    return DistributedDataParallel(net, gradient_as_bucket_view=True) if group.size() > 1 else net


@dataclass(eq=False)
class SharedStep(Step):
    """The gradient of the batch's mean loss, as the mean of those of its parts; each part has its own BN statistics.

    There are `recipe.bn_groups` parts, or one per process with BN synchronised; a process takes consecutive ones. The
    running statistics are those of the first part. Dropout draws from the stream (seed, "dropout", step, part).
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.parts = self.spec.recipe.bn_groups or group.size()
        own = self.parts // group.size()
        self.own = range(group.rank() * own, (group.rank() + 1) * own)
        self.k = 0

    def __call__(self, k: int) -> None:
        self.k = k
        super().__call__(k)

    def backward(self, samples: Samples) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss and wrong predictions are those of the whole batch, in all processes."""
        found, buffers, batches = [], list(self.net.buffers()), self.cut(samples)
        kept: list[torch.Tensor] = []
        for part in self.own:
            reseed_global(self.spec.seed, "dropout", self.k, part)
            with nullcontext() if part == self.own[-1] else unsent(self.net):
                images, labels = next(batches)
                loss, wrong = self.backward_of(images, labels, 1 / len(self.own))
            found.append(torch.stack([loss / self.parts, wrong.float()]))
            kept = kept or [buffer.clone() for buffer in buffers]
        if len(self.own) > 1:
            for buffer, first in zip(buffers, kept, strict=True):
                buffer.copy_(first)
        loss, wrong = group.summed(torch.stack(found).sum(0))
        return loss, wrong

    def cut(self, samples: Samples) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Images and labels of this process's parts."""
        size = self.spec.recipe.batch_size // self.parts
        if is_mixed(self.spec):
            images, labels = self.batches.make(samples)
            yield from ((images[k * size :][:size], labels[k * size :][:size]) for k in self.own)
        else:
            for k in range(len(self.own)):
                yield self.batches.make(samples.of(slice(k * size, (k + 1) * size)))


def part_of_process(spec: RunSpec) -> slice:
    """The places of each batch that this process needs: its own, or all where images are mixed with others."""
    size = spec.recipe.batch_size // group.size()
    return slice(None) if is_mixed(spec) else slice(group.rank() * size, (group.rank() + 1) * size)


def is_mixed(spec: RunSpec) -> bool:
    return bool(spec.recipe.mixup or spec.recipe.cutmix)


def unsent(net: nn.Module) -> AbstractContextManager[Any]:
    """Gradients stay in this process until the last part has added its own."""
    return net.no_sync() if isinstance(net, DistributedDataParallel) else nullcontext()


def check_shared(spec: RunSpec) -> None:
    """Raise SpecError, one line, for a run that the processes of `torchrun` cannot train together."""
    number, batch, groups = torchrun.count(), spec.recipe.batch_size, spec.recipe.bn_groups
    if number == 1:
        return
    if spec.device == "mps":
        raise SpecError("torchrun starts several processes, which train on CPUs or CUDA devices; mps has one device")
    if batch % number:
        raise SpecError(
            f"{number} processes cannot share batches of {batch} images equally; start a divisor of {batch}"
        )
    if groups is not None and groups % number:
        raise SpecError(
            f"{number} processes cannot share {groups} groups of recipe.bn_groups equally; start a divisor of {groups}"
        )
    if spec.compiled and groups is None:
        raise SpecError(
            "compiled passes cannot synchronise batch norm between processes: leave out --compiled, or give each "
            f"process its own statistics with --set recipe.bn_groups={number}"
        )
    if spec.device == "cuda" and torchrun.local_count() > torch.cuda.device_count():
        raise SpecError(
            f"torchrun started {torchrun.local_count()} processes on this host, which has {torch.cuda.device_count()} "
            "CUDA devices; start one per device"
        )
