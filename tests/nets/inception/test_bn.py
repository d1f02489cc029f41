"""BN-Inception: Figure 5 read once more as functions, published counts, pooling, the stride-2 modules."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import nets
from nets import cost

# Figure 5: #1x1, #3x3 reduce, #3x3, double #3x3 reduce, double #3x3, pool, proj (None: pass through, stride 2)
FIGURE_5 = """
3a  64  64  64  64  96 avg   32
3b  64  64  96  64  96 avg   64
3c   0 128 160  64  96 max None
4a 224  64  96  96 128 avg  128
4b 192  96 128  96 128 avg  128
4c 160 128 160 128 160 avg  128
4d  96 128 192 160 192 avg  128
4e   0 128 192 192 256 max None
5a 352 192 320 160 224 avg  128
5b 352 192 320 192 224 max  128
"""
ROWS = [line.split() for line in FIGURE_5.split("\n") if line]
IMAGE = (3, 224, 224)


def on_meta(**options):
    """The net without storage, which costs no time to fill."""
    with torch.device("meta"):
        return nets.build("inception_bn", **options)


def small_net(**options):
    torch.manual_seed(0)
    return nets.build("inception_bn", num_classes=10, width=0.25, **options)


def test_published_counts_of_the_released_layout():
    """pytorchcv: 11,295,240 parameters with the 10,016 biases that BN takes out; 2,032,600,064 of conv and fc.

    The paper's text says 13.6 million, which its own figure does not give.
    """
    outputs = 64 + 64 + 192
    for _, one, r3, three, rd, double, _, proj in ROWS:
        outputs += sum(map(int, (one, r3, three, rd, double, double, 0 if proj == "None" else proj)))
    net = on_meta(first_conv="dense").eval()
    assert sum(p.numel() for p in net.parameters()) + outputs == 11_295_240
    assert cost.parameters(net) == 11_285_224
    with FlopCounterMode(display=False) as counter:
        net(torch.empty(1, *IMAGE, device="meta"))
    assert cost.multiply_adds(net, IMAGE) == counter.get_total_flops() / 2 == 2_032_600_064


def test_separable_first_layer_saves_what_it_should():
    """7x7 dense: 9,408 weights on 112x112; separable: 1,176 + 1,536."""
    dense, separable = on_meta(first_conv="dense"), on_meta()
    saved = 9_408 - 1_176 - 1_536
    assert cost.parameters(dense) - cost.parameters(separable) == saved
    assert cost.multiply_adds(dense, IMAGE) - cost.multiply_adds(separable, IMAGE) == saved * 112**2


def test_maps_and_channels():
    """Sums of the figure's filters: 608 after 4c and 4d, 1056 after 4e, where its output column says 576 and 1024."""
    net, shapes = on_meta().eval(), {}
    for name, *_ in ROWS:
        stage = net.get_submodule(f"inception_{name}")
        stage.register_forward_hook(lambda m, i, o, name=name: shapes.update({name: tuple(o.shape[1:])}))
    net(torch.empty(1, *IMAGE, device="meta"))
    assert shapes == {
        "3a": (256, 28, 28),
        "3b": (320, 28, 28),
        "3c": (576, 14, 14),
        **dict.fromkeys(("4a", "4b"), (576, 14, 14)),
        **dict.fromkeys(("4c", "4d"), (608, 14, 14)),
        "4e": (1056, 7, 7),
        **dict.fromkeys(("5a", "5b"), (1024, 7, 7)),
    }


def reference(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The net as functions of its convolution weights, in evaluation mode with running statistics 0 and 1."""
    weights = (p for p in net.parameters() if p.ndim == 4)

    def conv(x, stride=1, groups=1):
        w = next(weights)
        return F.conv2d(x, w, None, stride, w.shape[2] // 2, groups=groups)

    def layer(x, stride=1):
        return F.relu(conv(x, stride) / 1.001**0.5)

    x = F.max_pool2d(layer(conv(x, 2, groups=3)), 3, 2, ceil_mode=True)
    x = F.max_pool2d(layer(layer(x)), 3, 2, ceil_mode=True)
    for _, one, _, _, _, _, pool, proj in ROWS:
        stride = 2 if proj == "None" else 1
        branches = [] if one == "0" else [layer(x)]
        branches += [layer(layer(x), stride), layer(layer(layer(x)), stride)]
        pooled = F.max_pool2d(x, 3, stride, 1) if pool == "max" else F.avg_pool2d(x, 3, 1, 1)
        x = torch.cat([*branches, pooled if proj == "None" else layer(pooled)], 1)
    assert not list(weights)
    return F.linear(x.mean((2, 3)), net.fc.weight, net.fc.bias)


@pytest.mark.parametrize("side", [64, 75])
def test_equals_figure_5_as_functions(side):
    """75 pixels: odd maps, on which strided convolutions and poolings must still agree in size."""
    net = small_net().double()
    x = torch.randn(2, 3, side, side, dtype=torch.float64)
    a, b = net.eval()(x), reference(net, x)
    torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)
    mine = torch.autograd.grad(a.square().sum(), [p for p in net.parameters() if p.ndim == 4])
    theirs = torch.autograd.grad(b.square().sum(), [p for p in net.parameters() if p.ndim == 4])
    for p, q in zip(mine, theirs, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("pooling", "average", "maximum"), [("mixed", 7, 3), ("avg", 8, 2), ("max", 0, 10)])
def test_pooling_inside_the_modules(pooling, average, maximum):
    """The stride-2 modules 3c and 4e keep max pooling throughout; the stem has two more."""
    kinds = [type(module) for module in on_meta(pooling=pooling).modules()]
    assert (kinds.count(nn.AvgPool2d), kinds.count(nn.MaxPool2d)) == (average, maximum + 2)


def test_5x5_branch_is_one_layer_less_deep():
    """One 5x5 for two 3x3, from the same reduction: 25 r c against 9 r c + 9 c c weights, one BN less."""
    change = sum(16 * int(rd) * int(d) - 9 * int(d) ** 2 - 2 * int(d) for *_, rd, d, _, _ in ROWS)
    assert cost.parameters(on_meta(large="5x5")) - cost.parameters(on_meta()) == change


def test_without_bn_every_layer_has_a_bias():
    """gamma and beta go, a bias comes: one parameter a channel less; the depthwise layer has neither."""
    plain, bn = on_meta(norm="none"), on_meta()
    assert not [m for m in plain.modules() if isinstance(m, nn.BatchNorm2d)]
    channels = sum(m.num_features for m in bn.modules() if isinstance(m, nn.BatchNorm2d))
    assert channels == 10_016
    assert cost.parameters(bn) - cost.parameters(plain) == channels
    shared = {name for name, _ in plain.named_parameters()} & {name for name, _ in bn.named_parameters()}
    assert {name for name, p in bn.named_parameters() if p.ndim > 1} <= shared


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"norm": "lrn"}, "it takes batch, group, layer, instance, none"),
        ({"large": "3x3"}, "it takes 3x3_twice, 5x5"),
        ({"pooling": "sum"}, "it takes mixed, avg, max"),
        ({"aux": "both"}, "it has num_classes, in_channels, norm"),
        ({"width": 0.0}, "width cannot be 0.0; it takes a number above 0"),
    ],
)
def test_wrong_options_say_what_is_right(options, words):
    with pytest.raises(ValueError, match=words):
        on_meta(**options)


def test_smallest_image():
    net = on_meta()
    assert net(torch.empty(2, 3, 7, 7, device="meta")).shape == (2, 1000)
    with pytest.raises(ValueError, match="needs images of 7x7 pixels or more, got 6x9"):
        net(torch.empty(2, 3, 6, 9, device="meta"))
