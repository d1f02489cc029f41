"""The backward pass in Python is PyTorch's own, on real tensors."""

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.cuda.backward import Engine
from nets.layers import adaptive_avg_pool


class Net(nn.Module):
    """A shared weight, broadcasting, batch norm, a branch without a gradient, a function with its own backward pass."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn, self.fc = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Linear(75, 4)
        self.scale = nn.Parameter(torch.full((1, 3, 1, 1), 0.5))

    def forward(self, x):
        once = F.relu(self.bn(self.conv(x)))
        twice = self.conv(once) * self.scale + once.detach()
        return self.fc(adaptive_avg_pool(twice, 5).flatten(1))


def gradients(backward):
    torch.manual_seed(0)
    net = Net()
    loss = F.cross_entropy(net(torch.randn(4, 3, 8, 8)), torch.tensor([0, 1, 2, 3]))
    backward(loss)
    return {name: parameter.grad for name, parameter in net.named_parameters()}


def test_gradients_of_leaves_are_pytorchs():
    expected, got = gradients(torch.Tensor.backward), gradients(Engine().backward)
    assert expected.keys() == got.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(got[name], gradient, rtol=1e-6, atol=1e-8, msg=name)


def test_gradients_add_up_over_passes():
    x, engine = torch.ones(3, requires_grad=True), Engine()
    for _ in range(2):
        engine.backward((x * x).sum())
    assert torch.equal(x.grad, torch.full((3,), 4.0))


def test_gradients_of_inner_tensors_and_of_unused_ones():
    x, unused = torch.randn(3, requires_grad=True), torch.randn(3, requires_grad=True)
    inner = x.exp()
    outputs, seeds = [inner.sin(), inner * x], [torch.randn(3), torch.randn(3)]
    wanted = (x, inner, unused)
    expected = torch.autograd.grad(outputs, wanted, seeds, allow_unused=True, retain_graph=True)
    got = Engine().grad(outputs, wanted, seeds, allow_unused=True)
    assert got[2] is expected[2] is None
    for a, b in zip(got[:2], expected[:2], strict=True):
        torch.testing.assert_close(a, b)


def test_hooks_see_the_gradient_of_their_tensor():
    x, engine, seen = torch.ones(2, requires_grad=True), Engine(), []
    y = x * 3
    engine.register_hook(y, lambda gradient: seen.append(gradient.clone()))
    engine.backward((y * y).sum())
    assert torch.equal(seen[0], torch.full((2,), 6.0))
    assert torch.equal(x.grad, torch.full((2,), 18.0))
