"""Rows become layers: formulas, padding, pooling, widths; and what holds for every net built from them."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import nets
from nets import cost
from nets.inception.modules import Chain, Conv, ConvNorm, Fork, Pool, Residual, Style, scaled

SMALL = ("inception_v4_cifar", "inception_resnet_cifar")
LARGE = ("inception_v3", "inception_v4", "inception_resnet_v1", "inception_resnet_v2")
FORK = Fork((Conv(4, 1),), (Conv(3, 1), Conv(5, (1, 3))))


def image_size(name: str) -> int:
    return 32 if name in SMALL else 75


def small_build(name: str, **options) -> nn.Module:
    """The net with one module of a kind, two in stage C; Inception-v3 has no such option."""
    return nets.build(name, num_classes=10, **({} if name == "inception_v3" else {"blocks": (1, 1, 2)}), **options)


def test_conv_norm_is_convolution_bn_activation_with_its_epsilon():
    layer = ConvNorm(3, Conv(4, 3), Style(bn_eps=0.1)).double()
    x = torch.randn(5, 3, 6, 6, dtype=torch.float64)
    z = F.conv2d(x, layer.conv.weight, padding=1)
    mean, var = z.mean((0, 2, 3), keepdim=True), z.var((0, 2, 3), unbiased=False, keepdim=True)
    torch.testing.assert_close(layer(x), ((z - mean) / (var + 0.1).sqrt()).clamp(min=0))


@pytest.mark.parametrize(
    ("step", "padded", "unpadded"),
    [
        (Conv(2, 3, valid=True), (9, 13), (7, 11)),
        (Conv(2, (1, 7), valid=True), (9, 13), (9, 7)),
        (Conv(2, (7, 1), valid=True), (9, 13), (3, 13)),
        (Conv(2, 3, 2, valid=True), (5, 7), (4, 6)),
        (Pool("max", 2, valid=True), (5, 7), (4, 6)),
        (Conv(2, (1, 7)), (9, 13), (9, 13)),
        (Pool("avg"), (9, 13), (9, 13)),
    ],
)
def test_v_layers_are_unpadded_unless_the_net_is_small(step, padded, unpadded):
    x = torch.randn(2, 1, 9, 13)
    assert Chain(1, (step,), Style())(x).shape[2:] == unpadded
    assert Chain(1, (step,), Style(honour_valid=False))(x).shape[2:] == padded


@pytest.mark.parametrize(("count_padding", "corner"), [(True, 4 / 9), (False, 1.0)])
def test_average_pooling_at_the_corner_of_a_map_of_ones(count_padding, corner):
    pooled = Chain(1, (Pool("avg"),), Style(count_padding=count_padding))(torch.ones(1, 1, 5, 5))
    assert pooled[0, 0, 0, 0].item() == pytest.approx(corner)
    assert pooled[0, 0, 2, 2].item() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("row", "formula"),
    [
        (Residual(FORK, 0.3), lambda x, branch: F.relu(x + 0.3 * branch)),
        (Residual(FORK, 0.3, act_after=False), lambda x, branch: x + 0.3 * branch),
        (Residual(FORK, 0.3, adds=False), lambda x, branch: F.relu(branch)),
        (Residual(FORK, 0.3, adds=False, act_after=False), lambda x, branch: branch),
    ],
)
def test_residual_module_formula(row, formula):
    """Expansion with bias, without BN or activation (Szegedy et al. 2016, section 3.2)."""
    (module,) = Chain(6, (row,), Style())
    module.double().eval()
    x = torch.randn(2, 6, 5, 5, dtype=torch.float64)
    first, second = module.mixed.children()
    inside = torch.cat([first[0](x), second[1](second[0](x))], 1)
    branch = F.conv2d(inside, module.expand.weight, module.expand.bias)
    torch.testing.assert_close(module(x), formula(x, branch))


def test_scaled_rows():
    rows = {"a": (Conv(64, 3), Residual(FORK, 0.1), Pool("max"))}
    assert scaled(rows, 0.5)["a"][0] == Conv(32, 3)
    assert scaled(rows, 0.5)["a"][1].fork == Fork((Conv(2, 1),), (Conv(1, 1), Conv(2, (1, 3))))
    assert scaled(rows, 1.0) == rows


@pytest.mark.parametrize("name", SMALL)
def test_two_counts_of_multiply_adds(name):
    with torch.device("meta"):
        net = nets.build(name).eval()
    with FlopCounterMode(display=False) as counter:
        net(torch.empty(1, 3, 32, 32, device="meta"))
    assert cost.multiply_adds(net, (3, 32, 32)) == counter.get_total_flops() / 2


@pytest.mark.parametrize("name", SMALL + LARGE)
def test_every_parameter_gets_a_gradient(name):
    """Except one: BN cancels the bias of v2's last expansion, after which there is only a convolution."""
    net = small_build(name, dropout=0.0).double()
    outputs = net(torch.randn(3, 3, image_size(name), image_size(name), dtype=torch.float64))
    sum(o.square().sum() for o in (outputs if isinstance(outputs, tuple) else (outputs,))).backward()
    size = {key: 0 if p.grad is None else p.grad.abs().max().item() for key, p in net.named_parameters()}
    largest = max(size.values())
    expected = {"stage_c.2.expand.bias"} if name == "inception_resnet_v2" else set()
    assert {key for key, value in size.items() if value < 1e-12 * largest} == expected


@pytest.mark.parametrize("name", SMALL)
def test_one_channel_and_other_sizes(name):
    net = small_build(name, in_channels=1, activation="prelu")
    assert net(torch.randn(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("inception_v3", {"stem": "5x5"}, "it takes factorised, 7x7"),
        ("inception_v3", {"residual": True}, "it has num_classes, in_channels, aux"),
        ("inception_v4", {"blocks": (4, 7)}, "it takes 3 values, each a whole number, 0 or more"),
        ("inception_resnet_v1", {"blocks": (5, -1, 5)}, "it takes 3 values, each a whole number, 0 or more"),
        ("inception_resnet_cifar", {"residual": "no"}, "residual cannot be 'no'; it takes True or False"),
        ("inception_resnet_cifar", {"residual_scale": "big"}, "it takes a number or None"),
        ("inception_resnet_cifar", {"width": 0.0}, "width cannot be 0.0; it takes a number above 0"),
        ("inception_resnet", {}, "did you mean inception_resnet_v"),
    ],
)
def test_wrong_options_say_what_is_right(name, options, words):
    with pytest.raises(ValueError, match=words):
        nets.build(name, **options)


@pytest.mark.parametrize("name", LARGE)
def test_too_small_images_say_what_is_needed(name):
    with torch.device("meta"):
        net = small_build(name)
        with pytest.raises(ValueError, match="needs images of 75x75 pixels or more, got 74x80"):
            net(torch.empty(2, 3, 74, 80))
