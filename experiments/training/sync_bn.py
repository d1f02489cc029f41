"""Batch norm over the images of all processes that train a run together."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def synchronised(net: nn.Module, device: str) -> nn.Module:
    """The net with every BN layer's mean and variance taken over all processes; parameters and names are the same.

    PyTorch's own layer on a GPU; it has none for CPUs.
    """
    if device != "cpu":
        return nn.SyncBatchNorm.convert_sync_batchnorm(net)
    for name, child in net.named_children():
        net.add_module(name, synchronised(child, device))
    return SynchronisedBatchNorm(net) if isinstance(net, _BatchNorm) else net


class SynchronisedBatchNorm(_BatchNorm):
    """y = w (x - m) / sqrt(v + eps) + b, with mean m and variance v over the values of all processes, on CPUs.

    layer: whose place it takes, with the same parameters and buffers.
    """

    def __init__(self, layer: _BatchNorm) -> None:
        super().__init__(layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats)
        self._parameters.update(layer._parameters)
        self._buffers.update(layer._buffers)
        self.train(layer.training)

    def _check_input_dim(self, input: torch.Tensor) -> None:
        """Images, or vectors."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(input)
        dims, shape = [0, *range(2, input.dim())], [1, -1, *[1] * (input.dim() - 2)]
        values = input.float()
        number = input.numel() // input.shape[1] * dist.get_world_size()  # all processes have equally many images
        mean = _Sum.apply(values.sum(dims)) / number
        centred = values - mean.view(shape)
        variance = _Sum.apply(centred.square().sum(dims)) / number
        self._track(mean.detach(), variance.detach() * number / max(number - 1, 1))
        y = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            y = y * self.weight.view(shape) + self.bias.view(shape)
        return y.to(input.dtype)

    @torch.no_grad()
    def _track(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        momentum = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance, momentum)


class _Sum(torch.autograd.Function):
    """The sum over the processes; the gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor) -> torch.Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return _Sum.forward(ctx, gradients[0].contiguous())
