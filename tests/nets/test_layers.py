"""The shared layers against the formulas that their docstrings state."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nets.layers import AdaptiveAvgPool, adaptive_avg_pool, local_response_norm


def lrn_by_loops(x, size, alpha, beta, k):
    """Section 3.3 of Krizhevsky et al. 2012 as printed: j from max(0, i - n/2) to min(N - 1, i + n/2)."""
    maps, half = x.shape[1], size // 2
    rows = []
    for i in range(maps):
        total = sum(x[:, j] ** 2 for j in range(max(0, i - half), min(maps - 1, i + half) + 1))
        rows.append(x[:, i] / (k + alpha * total) ** beta)
    return torch.stack(rows, 1)


@pytest.mark.parametrize(
    ("size", "alpha", "beta", "k"), [(5, 1e-4, 0.75, 2.0), (9, 0.3, 0.75, 1.0), (3, 2.0, 0.5, 1.5)]
)
def test_lrn_is_the_printed_formula(size, alpha, beta, k):
    x = torch.randn(2, 7, 3, 4, dtype=torch.double)
    expected = lrn_by_loops(x, size, alpha, beta, k)
    torch.testing.assert_close(local_response_norm(size, alpha, beta, k)(x), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("size", [3, 4, 5])
def test_lrn_with_divided_alpha_is_torch_s(size):
    x = torch.randn(2, 6, 3, 4, dtype=torch.double, requires_grad=True)
    ours, torchs = local_response_norm(size, 0.5, 0.75, 1.0, divide_alpha=True), nn.LocalResponseNorm(size, 0.5)
    torch.testing.assert_close(ours(x), torchs(x), rtol=1e-12, atol=0)
    gradients = [torch.autograd.grad(layer(x).square().sum(), x)[0] for layer in (ours, torchs)]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=0)


@pytest.mark.parametrize("size", [1, 5, 6, 8])
@pytest.mark.parametrize("pixels", [(6, 6), (5, 7), (13, 2), (1, 1), (9, 30)])
def test_fixed_map_is_adaptive_average_pooling(size, pixels):
    x = torch.randn(2, 3, *pixels, dtype=torch.double)
    torch.testing.assert_close(AdaptiveAvgPool(size)(x), nn.AdaptiveAvgPool2d(size)(x), rtol=1e-12, atol=1e-12)


def test_fixed_map_leaves_its_own_size_alone():
    x = torch.randn(1, 2, 6, 6)
    assert AdaptiveAvgPool(6)(x) is x


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("pixels", [(3, 3), (1, 4), (5, 6), (7, 16), (13, 2)])
def test_adaptive_pooling_is_torchs_with_another_backward_pass(pixels, dtype):
    """Bit for bit forward, so that earlier runs keep their values; gradients against float64."""
    torch.manual_seed(0)
    x = torch.randn(2, 3, *pixels).to(dtype).contiguous(memory_format=torch.channels_last).requires_grad_()
    ours = adaptive_avg_pool(x, 5)
    assert torch.equal(ours, F.adaptive_avg_pool2d(x, 5))
    assert "AdaptiveAvgPool2D" not in type(ours.grad_fn).__name__
    weights = torch.randn_like(ours)
    exact = x.detach().double().requires_grad_()
    F.adaptive_avg_pool2d(exact, 5).backward(weights.double())
    ours.backward(weights)
    torch.testing.assert_close(
        x.grad.double(), exact.grad, rtol=4 * torch.finfo(dtype).eps, atol=torch.finfo(dtype).eps
    )
    assert x.grad.stride() == x.stride()


def test_adaptive_pooling_of_the_small_map_trains_as_torchs_does():
    """3x3, the head's map for images of 75 pixels: gradients are PyTorch's bits on a CPU."""
    x = torch.randn(4, 16, 3, 3).contiguous(memory_format=torch.channels_last).requires_grad_()
    weights = torch.randn(4, 16, 5, 5)
    gradients = [torch.autograd.grad(pool(x, 5), x, weights)[0] for pool in (adaptive_avg_pool, F.adaptive_avg_pool2d)]
    assert torch.equal(*gradients)
