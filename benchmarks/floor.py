"""The shortest time a training step could take on this machine: convolutions at full rate, activations moved once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from nets import cost

PASSES = 3  # a convolution is computed forward, for the gradient of its input, and for that of its weights
LEAST_S = 0.05  # a launch takes a few microseconds, the measured operators 30 and more
MOVES = 4  # an activation is written and read once forward, and so is its gradient
ACTIVATING = ("Conv2d", "Linear")  # what lies between two of them (BN, ReLU, addition) can be fused into them


@dataclass(frozen=True)
class Rates:
    """The most that the machine reaches: floating-point operations and bytes per second, in one large operation."""

    flop_per_s: float
    byte_per_s: float


@dataclass(frozen=True)
class Floor:
    """Seconds per step of arithmetic and of memory traffic; they may overlap, so a step takes at least the larger."""

    arithmetic_s: float
    traffic_s: float

    @property
    def step_s(self) -> float:
        return max(self.arithmetic_s, self.traffic_s)


def measure_rates(device: str, dtype: torch.dtype, repeats: int = 5) -> Rates:
    """The best of `repeats` in each of: a matrix product, a 3x3 convolution (libraries differ in which is faster),
    and a copy of 256 MB. On a GPU product and convolution are 64 and 8 times as large.
    """
    side, images = (8192, 256) if device == "cuda" else (2048, 32)
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    conv = nn.Conv2d(128, 128, 3, padding=1, bias=False).to(device, dtype).to(memory_format=torch.channels_last)
    maps = torch.randn(images, 128, 32, 32, device=device).to(dtype).contiguous(memory_format=torch.channels_last)
    source = torch.zeros(2**26, device=device)
    target = torch.empty_like(source)
    with torch.no_grad():
        product_s = min(_seconds(lambda: a @ b, device) for _ in range(repeats))
        conv_s = min(_seconds(lambda: conv(maps), device) for _ in range(repeats))
        copy_s = min(_seconds(lambda: target.copy_(source), device) for _ in range(repeats))
    flop_per_s = max(2 * side**3 / product_s, 2 * maps.numel() * conv.weight[0].numel() / conv_s)
    return Rates(flop_per_s, 2 * source.numel() * source.element_size() / copy_s)


def floor(net: nn.Module, input_shape: tuple[int, ...], batch: int, rates: Rates, bytes_per_value: int) -> Floor:
    """PASSES * 2 * multiply-adds * batch / flop_per_s, and MOVES * bytes of outputs * batch / byte_per_s."""
    rows = [row for row in cost.trace(net, input_shape) if row.kind in ACTIVATING]
    macs = sum(row.multiply_adds for row in rows)
    values = sum(torch.Size(row.out_shape).numel() for row in rows)
    return Floor(
        PASSES * 2 * macs * batch / rates.flop_per_s,
        MOVES * values * bytes_per_value * batch / rates.byte_per_s,
    )


def _seconds(action: Callable[[], object], device: str) -> float:
    """Seconds of one `action`: of as many in a row as take LEAST_S, so that a GPU's launches do not count."""
    count = 1
    while True:
        started = time.perf_counter()
        for _ in range(count):
            action()
        if device == "cuda":
            torch.cuda.synchronize()
        if (seconds := time.perf_counter() - started) >= LEAST_S:
            return seconds / count
        count = max(2 * count, round(1.2 * count * LEAST_S / seconds))
