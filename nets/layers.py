"""Small layers that several families share: activations by name, local response normalisation, adaptive pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import nn

from nets.options import OneOf

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "prelu": nn.PReLU,
    "leaky_relu": nn.LeakyReLU,
    "rrelu": nn.RReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}
Activation = Annotated[str, OneOf(ACTIVATIONS)]


def activation(name: str) -> nn.Module:
    """A new activation layer. Raises ValueError, with the known names, for any other."""
    if name not in ACTIVATIONS:
        raise ValueError(f"unknown activation {name!r}; choose from {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]()


class LocalResponseNorm(nn.Module):
    """b_i = a_i / (k + alpha * sum_j a_j^2)^beta over the `size` channels j around i, fewer at both ends.

    (N, C, H, W) -> the same. Krizhevsky et al. 2012, section 3.3, where j runs from i - size/2 to i + size/2.
    With alpha divided by `size` it equals nn.LocalResponseNorm, whose backward pass is not deterministic on CUDA
    (it pools in three dimensions) and takes two to three times as long on a CPU.
    """

    def __init__(self, size: int, alpha: float, beta: float, k: float) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        before = self.size // 2
        squares = F.pad(x * x, (0, 0, 0, 0, before, self.size - 1 - before))
        total = sum(squares[:, i : i + x.shape[1]] for i in range(self.size))
        return x * (self.k + self.alpha * total) ** -self.beta

    def extra_repr(self) -> str:
        return f"size={self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def local_response_norm(
    size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0, divide_alpha: bool = False
) -> LocalResponseNorm:
    """Local response normalisation with the constants of Krizhevsky et al. 2012, section 3.3.

    PyTorch and Krizhevsky's own cuda-convnet divide alpha by `size`; the printed formula does not. It is not known
    which of the two the paper's constants belong to: `divide_alpha=False` is the printed formula.
    """
    return LocalResponseNorm(size, alpha / size if divide_alpha else alpha, beta, k)


class AdaptiveAvgPool(nn.Module):
    """Adaptive average pooling to size x size: y = R x C^T, where R and C average rows and columns.

    (N, C, H, W) -> (N, C, size, size), equal to nn.AdaptiveAvgPool2d, whose backward pass is not deterministic on
    CUDA. Smaller maps are enlarged by repetition; maps of that size are returned unchanged.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height, width = x.shape[2:]
        if height == width == self.size:
            return x
        return self._averages(height, x) @ x @ self._averages(width, x).T

    def _averages(self, pixels: int, like: torch.Tensor) -> torch.Tensor:
        """(size, pixels): row i averages the pixels from floor(i p / size) to ceil((i + 1) p / size)."""
        i = torch.arange(self.size, device=like.device)[:, None]
        pixel = torch.arange(pixels, device=like.device)
        inside = (pixel * self.size > i * pixels - self.size) & (pixel * self.size < (i + 1) * pixels)
        ones = inside.to(like.dtype)
        return ones / ones.sum(1, keepdim=True)

    def extra_repr(self) -> str:
        return f"size={self.size}"


def adaptive_avg_pool(x: torch.Tensor, size: int) -> torch.Tensor:
    """F.adaptive_avg_pool2d(x, size), bit for bit, with a backward pass that is deterministic on CUDA too.

    AdaptiveAvgPool is equal up to rounding; this is for nets whose earlier runs had PyTorch's values.
    """
    return _AdaptiveAvgPool.apply(x, size)


class _AdaptiveAvgPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, size: int) -> torch.Tensor:
        ctx.save_for_backward(x)
        return F.adaptive_avg_pool2d(x, size)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Every window adds its share to the pixels it averages, one window after the other, as on a CPU."""
        (x,), (of_output,) = ctx.saved_tensors, gradients
        of_input = torch.zeros_like(x)
        rows, columns = (_windows(pixels, of_output.shape[-1]) for pixels in x.shape[2:])
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                share = of_output[:, :, i : i + 1, j : j + 1] / (row.stop - row.start) / (column.stop - column.start)
                of_input[:, :, row, column] += share
        return of_input, None


def _windows(pixels: int, size: int) -> list[slice]:
    """Window i: from floor(i p / size) to ceil((i + 1) p / size)."""
    return [slice(i * pixels // size, -(-(i + 1) * pixels // size)) for i in range(size)]
