"""The lectures' net: its counts, its formula written out, the layers of a branch."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import nets
from nets import cost

IMAGE = (1, 28, 28)


def build(**options):
    torch.manual_seed(0)
    return nets.build("mnist_inception", **options)


def test_counts():
    """97,298 parameters; 6,019,200 multiply-adds by hand, with 88 channels of 12x12 and 4x4 out of the modules."""

    def module(c):
        return 16 * c + (16 * c + 16 * 24 * 25) + (16 * c + 16 * 24 * 9 + 24 * 24 * 9) + 24 * c

    by_hand = 10 * 25 * 24**2 + module(10) * 12**2 + 88 * 20 * 25 * 8**2 + module(20) * 4**2 + 88 * 16 * 10
    net = build().eval()
    assert cost.parameters(net) == sum(p.numel() for p in net.parameters()) == 97_298
    with FlopCounterMode(display=False) as counter:
        net(torch.randn(1, *IMAGE))
    assert cost.multiply_adds(net, IMAGE) == counter.get_total_flops() / 2 == by_hand == 6_019_200


def lecture_module(m, x):
    """Concatenated as the lectures do: 1x1, 5x5, 3x3, pool; average pooling counts the padding."""

    def conv(layer, x):
        return F.conv2d(x, layer.conv.weight, layer.conv.bias, padding=layer.conv.kernel_size[0] // 2)

    large = conv(m.branch2[1], conv(m.branch2[0], x))
    double = conv(m.branch3[2], conv(m.branch3[1], conv(m.branch3[0], x)))
    pooled = conv(m.branch4[1], F.avg_pool2d(x, 3, 1, 1, count_include_pad=True))
    return torch.cat([conv(m.branch1[0], x), large, double, pooled], 1)


def test_formula_of_the_lectures():
    net = build().double()
    x = torch.randn(3, 1, 28, 28, dtype=torch.float64)
    y = F.relu(F.max_pool2d(F.conv2d(x, net.conv1.weight, net.conv1.bias), 2))
    y = lecture_module(net.inception1, y)
    assert y.shape == (3, 88, 12, 12)
    y = F.relu(F.max_pool2d(F.conv2d(y, net.conv2.weight, net.conv2.bias), 2))
    y = lecture_module(net.inception2, y)
    expected = F.linear(y.flatten(1), net.fc.weight, net.fc.bias)
    a = net(x)
    torch.testing.assert_close(a, expected, rtol=1e-10, atol=1e-10)
    parameters = list(net.parameters())
    pairs = (torch.autograd.grad(o.square().sum(), parameters) for o in (a, expected))
    for p, q in zip(*pairs, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    ("layers", "activations", "norms", "extra"),
    [("conv", 2, 0, 0), ("conv_act", 16, 0, 0), ("conv_bn_act", 16, 14, 288)],
)
def test_what_a_branch_is_made_of(layers, activations, norms, extra):
    """Seven layers a module; BN has two parameters a channel in place of one bias: 144 channels a module."""
    net = build(branch_layers=layers)
    kinds = [row.kind for row in cost.trace(net, IMAGE)]
    assert (kinds.count("ReLU"), kinds.count("BatchNorm2d")) == (activations, norms)
    assert cost.parameters(net) == 97_298 + extra


def test_modules_of_the_lectures_are_affine():
    """f(x) + f(y) = f(x + y) + f(0), which no module with an activation inside fulfils."""
    x, y = torch.randn(2, 1, 10, 12, 12, dtype=torch.float64)
    for layers, affine in (("conv", True), ("conv_act", False)):
        f = build(branch_layers=layers).inception1.double()
        assert torch.allclose(f(x) + f(y), f(x + y) + f(torch.zeros_like(x))) is affine


def test_starts_as_pytorch_does():
    """Uniform to +-1/sqrt(fan-in), biases too."""
    conv = build().conv2
    bound = (88 * 25) ** -0.5
    assert conv.weight.abs().max().item() == pytest.approx(bound, rel=0.01)
    assert conv.weight.abs().max() <= bound
    assert conv.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
    assert 0 < conv.bias.abs().max() <= bound


def test_padding_is_zeros_about_the_image():
    net = build().eval()
    padded = build(padding=6).eval()
    x = torch.randn(2, 1, 16, 16)
    assert torch.equal(padded(x), net(nn.functional.pad(x, (6, 6, 6, 6))))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: build(branch_layers="bn"), "it takes conv, conv_act, conv_bn_act"),
        (lambda: build(width=2.0), "it has num_classes, in_channels, padding"),
        (lambda: build()(torch.randn(1, 1, 15, 20)), "needs 16x16 pixels or more, padding included, got 15x20"),
    ],
)
def test_bad_input_says_what_is_right(call, words):
    with pytest.raises(ValueError, match=words):
        call()
    assert build()(torch.randn(2, 1, 16, 16)).shape == (2, 10)
