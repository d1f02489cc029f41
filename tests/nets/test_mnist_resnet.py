"""The lectures' residual net: its counts, its formula written out, the pre-activated unit and BN."""

import pytest
import torch
import torch.nn.functional as F

import nets
from nets import cost

IMAGE = (1, 28, 28)


def build(**options):
    torch.manual_seed(0)
    return nets.build("mnist_resnet", **options)


def test_counts(counts):
    """41,514 parameters; the multiply-adds by hand, on maps of 24x24, 12x12, 8x8 and 4x4."""
    parameters = (25 * 16 + 16) + 2 * (9 * 16**2 + 16) + (25 * 16 * 32 + 32) + 2 * (9 * 32**2 + 32) + 5_130
    multiply_adds = 25 * 16 * 24**2 + 2 * 9 * 16**2 * 12**2 + 25 * 16 * 32 * 8**2 + 2 * 9 * 32**2 * 4**2 + 5_120
    assert counts("mnist_resnet", IMAGE) == (parameters, multiply_adds) == (41_514, 2_013_184)


@pytest.mark.parametrize(("order", "channels"), [("original", 3 * 16 + 3 * 32), ("full_preact", 2 * 16 + 4 * 32)])
def test_bn_replaces_a_bias_by_two_parameters_per_channel(counts, order, channels):
    """Six layers of BN in both orders; one of them moves from unit1's sum to the 32 channels that unit2 reads."""
    assert counts("mnist_resnet", IMAGE, order=order, norm=True) == (41_514 - 144 + 2 * channels, 2_013_184)


def affine(name, net, x, padding=0):
    layer = net.get_submodule(name)
    return F.conv2d(x, layer.weight, layer.bias, padding=padding)


def batch_norm(name, net, x):
    layer = net.get_submodule(name)
    return F.batch_norm(x, None, None, layer.weight, layer.bias, training=True)


def lecture(net, x):
    """relu(x + conv3(relu(conv3 x))) after conv5, relu, pool; twice."""
    for i in (1, 2):
        x = F.max_pool2d(F.relu(affine(f"conv{i}", net, x)), 2)
        x = F.relu(x + affine(f"unit{i}.conv2", net, F.relu(affine(f"unit{i}.conv1", net, x, 1)), 1))
    return F.linear(x.flatten(1), net.fc.weight, net.fc.bias)


def pre_activated(net, x):
    """x + conv3(relu(conv3(relu x))), and one relu after the last sum; the first x is the output of a relu."""
    for i in (1, 2):
        x = F.max_pool2d(F.relu(affine(f"conv{i}", net, x)), 2)
        x = x + affine(f"unit{i}.conv2", net, F.relu(affine(f"unit{i}.conv1", net, F.relu(x), 1)), 1)
    return F.linear(F.relu(x).flatten(1), net.fc.weight, net.fc.bias)


def pre_activated_with_bn(net, x):
    """The first unit reads bn(relu) already; the second has its own bn1, and the head follows the last sum."""
    for i in (1, 2):
        x = F.max_pool2d(F.relu(batch_norm(f"bn{i}", net, affine(f"conv{i}", net, x))), 2)
        y = x if i == 1 else F.relu(batch_norm("unit2.bn1", net, x))
        y = F.relu(batch_norm(f"unit{i}.bn2", net, affine(f"unit{i}.conv1", net, y, 1)))
        x = x + affine(f"unit{i}.conv2", net, y, 1)
    return F.linear(F.relu(batch_norm("head.0", net, x)).flatten(1), net.fc.weight, net.fc.bias)


def lecture_with_bn(net, x):
    for i in (1, 2):
        x = F.max_pool2d(F.relu(batch_norm(f"bn{i}", net, affine(f"conv{i}", net, x))), 2)
        y = F.relu(batch_norm(f"unit{i}.bn1", net, affine(f"unit{i}.conv1", net, x, 1)))
        x = F.relu(x + batch_norm(f"unit{i}.bn2", net, affine(f"unit{i}.conv2", net, y, 1)))
    return F.linear(x.flatten(1), net.fc.weight, net.fc.bias)


@pytest.mark.parametrize(
    ("options", "formula"),
    [
        ({}, lecture),
        ({"norm": True}, lecture_with_bn),
        ({"order": "full_preact"}, pre_activated),
        ({"order": "full_preact", "norm": True}, pre_activated_with_bn),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_formula(options, formula):
    net = build(**options).double()
    for name, p in net.named_parameters():
        if p.ndim == 1:
            torch.nn.init.normal_(p, float("bn" in name or "head" in name), 0.3)
    x = torch.randn(3, *IMAGE, dtype=torch.float64)
    ours, written = net(x), formula(net, x)
    torch.testing.assert_close(ours, written, rtol=1e-10, atol=1e-10)
    parameters = list(net.parameters())
    pairs = (torch.autograd.grad(o.square().sum(), parameters) for o in (ours, written))
    for p, q in zip(*pairs, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-8, atol=1e-9)
    other = lecture if formula is not lecture else pre_activated
    assert not options or "norm" in options or not torch.allclose(ours, other(net, x), rtol=1e-3)


def test_initial_values_are_pytorchs():
    """Uniform to +-1/sqrt(fan-in), biases too."""
    conv = build().unit2.conv1
    bound = (32 * 9) ** -0.5
    assert 0.99 * bound < conv.weight.abs().max() <= bound
    assert conv.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
    assert 0 < conv.bias.abs().max() <= bound


def test_variants_share_the_names_of_their_weights():
    names = [{key for key, p in build(**o).named_parameters() if p.ndim > 1} for o in ({}, {"norm": True})]
    names.append({key for key, p in build(order="full_preact").named_parameters() if p.ndim > 1})
    assert names[0] == names[1] == names[2]
    assert cost.weight_layers(build()) == len(names[0]) == 7


def test_padding_is_zeros_around_the_image():
    net, padded = build().eval(), build(padding=6).eval()
    x = torch.randn(2, 1, 16, 16)
    assert torch.equal(padded(x), net(F.pad(x, (6, 6, 6, 6))))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: build(order="bn_after_add"), "it takes original, full_preact"),
        (lambda: build(norm="bach"), "it takes True or False or batch, group, layer, instance, none"),
        (lambda: build(width=2.0), "it has num_classes, in_channels, padding"),
        (lambda: build()(torch.randn(1, 1, 15, 20)), "needs 16x16 pixels or more, padding included, got 15x20"),
    ],
)
def test_bad_input_says_what_is_right(call, words):
    with pytest.raises(ValueError, match=words):
        call()
    assert build()(torch.randn(2, 1, 16, 16)).shape == (2, 10)
