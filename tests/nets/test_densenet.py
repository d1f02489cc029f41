"""DenseNet: published counts, dense connections by the paper's formula, torchvision with the same weights."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import nets
from nets import cost
from nets.densenet import NETS, DenseNetLayout, densenet

IMAGENET, CIFAR = (3, 224, 224), (3, 32, 32)
BC = {"bottleneck": True, "compression": 0.5}


# Millions of parameters: Table 2 of the paper and, for the wide nets of depth 40, the authors' README. The exact
# numbers: torchvision's documentation for 121, 169 and 201, the rest recounted from the text and Table 1.
@pytest.mark.parametrize(
    ("name", "options", "millions", "parameters"),
    [
        ("densenet40", {}, 1.0, 1_019_722),
        ("densenet100", {}, 7.0, 6_979_642),
        ("densenet100", {"growth": 24}, 27.2, 27_249_082),
        ("densenet100", BC, 0.8, 769_162),
        ("densenet_bc100", {}, 0.8, 769_162),
        ("densenet_bc250", {}, 15.3, 15_324_406),
        ("densenet_bc190", {}, 25.6, 25_624_430),
        ("densenet40", {**BC, "growth": 36}, 1.5, None),
        ("densenet40", {**BC, "growth": 48}, 2.7, None),
        ("densenet40", {**BC, "growth": 60}, 4.3, None),
        ("densenet121", {}, None, 7_978_856),
        ("densenet169", {}, None, 14_149_480),
        ("densenet201", {}, None, 20_013_928),
        ("densenet264", {}, None, 33_337_704),
    ],
)
def test_published_parameters(on_meta, name, options, millions, parameters):
    counted = sum(p.numel() for p in on_meta(name, **options).parameters())
    assert parameters in (None, counted)
    assert millions is None or counted / 1e6 == pytest.approx(millions, abs=0.051)  # rounded up and down


# Recounts from the text and Table 1. The slow ones take as long as they have layers.
@pytest.mark.parametrize(
    ("name", "shape", "multiply_adds"),
    [
        ("densenet40", CIFAR, 264_812_928),
        ("densenet_bc100", CIFAR, 287_929_692),
        pytest.param("densenet100", CIFAR, 1_769_516_448, marks=pytest.mark.slow),
        pytest.param("densenet_bc250", CIFAR, 5_418_785_724, marks=pytest.mark.slow),
        pytest.param("densenet_bc190", CIFAR, 9_301_945_740, marks=pytest.mark.slow),
        pytest.param("densenet121", IMAGENET, 2_834_161_664, marks=pytest.mark.slow),
        pytest.param("densenet169", IMAGENET, 3_359_843_328, marks=pytest.mark.slow),
        pytest.param("densenet201", IMAGENET, 4_291_365_888, marks=pytest.mark.slow),
        pytest.param("densenet264", IMAGENET, 5_751_653_376, marks=pytest.mark.slow),
    ],
)
def test_multiply_adds(counts, name, shape, multiply_adds):
    assert counts(name, shape)[1] == multiply_adds


@pytest.mark.parametrize("name", NETS)
def test_the_depth_in_the_name_is_the_counted_weight_layers(on_meta, name):
    """But for 264: Table 1's blocks of 6, 12, 64 and 48 make 2 x 130 + 5 = 265."""
    depth = int(name.removeprefix("densenet").removeprefix("_bc"))
    assert cost.weight_layers(on_meta(name)) == (265 if depth == 264 else depth)


@pytest.mark.parametrize(
    ("name", "shape", "channels", "maps"),
    [
        ("densenet40", CIFAR, [160, 160, 304, 304, 448], [32, 16, 16, 8, 8]),  # 16 + 12 x 12, and so on
        ("densenet_bc100", CIFAR, [216, 108, 300, 150, 342], [32, 16, 16, 8, 8]),
        ("densenet121", IMAGENET, [256, 128, 512, 256, 1024, 512, 1024], [56, 28, 28, 14, 14, 7, 7]),  # Table 1
    ],
)
def test_channels_and_maps_of_blocks_and_transitions(on_meta, name, shape, channels, maps):
    net, seen = on_meta(name), []
    for part in net.blocks:
        part.register_forward_hook(lambda m, i, o: seen.append(tuple(o.shape[1:])))
    net(torch.empty(1, *shape, device="meta"))
    assert seen == [(c, size, size) for c, size in zip(channels, maps, strict=True)]


@pytest.mark.parametrize(
    ("options", "width"),
    [({}, 16), ({"bottleneck": True}, 16), ({"compression": 0.5}, 16), (BC, 24), ({**BC, "growth": 20}, 40)],
)
def test_maps_of_the_first_convolution(on_meta, options, width):
    """Section 3: 16, "or twice the growth rate for DenseNet-BC"."""
    assert on_meta("densenet100", **options).stem.conv.out_channels == width


def by_formula(parameters, x, layers, bottleneck):
    """x_l = H_l([x_0, ..., x_(l-1)]) with H = BN-ReLU-conv, in training mode, from the paper's section 3."""

    def bn_relu(name, x):
        return F.relu(F.batch_norm(x, None, None, parameters[f"{name}.weight"], parameters[f"{name}.bias"], True))

    x = F.conv2d(x, parameters["stem.conv.weight"], padding=1)
    for block in (1, 2, 3):
        features = [x]
        for layer in range(1, layers + 1):
            name = f"blocks.block{block}.layer{layer}.branch"
            h = torch.cat(features, 1)
            if bottleneck:
                h = F.conv2d(bn_relu(f"{name}.bn1", h), parameters[f"{name}.conv1.weight"])
            last = 2 if bottleneck else 1
            h = F.conv2d(bn_relu(f"{name}.bn{last}", h), parameters[f"{name}.conv{last}.weight"], padding=1)
            features.append(h)
        x = torch.cat(features, 1)
        if block < 3:
            name = f"blocks.transition{block}"
            x = F.avg_pool2d(F.conv2d(bn_relu(f"{name}.bn", x), parameters[f"{name}.conv.weight"]), 2)
    return F.linear(bn_relu("bn", x).mean((2, 3)), parameters["fc.weight"], parameters["fc.bias"])


@pytest.mark.parametrize(("depth", "options"), [(13, {}), (16, BC), (16, {**BC, "compression": 1.0})])
def test_cifar_form_equals_the_formula(depth, options):
    net = densenet(DenseNetLayout(depth), growth=5, **options)
    nets.initialise(net)
    for name, p in net.named_parameters():
        if "bn" in name:
            nn.init.normal_(p, 0.5, 0.3)
    net, images = net.double().train(), torch.randn(3, 3, 16, 16, dtype=torch.double)
    copies = {name: p.detach().clone().requires_grad_() for name, p in net.named_parameters()}
    ours = net(images)
    paper = by_formula(copies, images, layers=(depth - 4) // (6 if options else 3), bottleneck=bool(options))
    torch.testing.assert_close(ours, paper, rtol=1e-9, atol=1e-10)
    ours.square().sum().backward()
    paper.square().sum().backward()
    for name, p in net.named_parameters():
        torch.testing.assert_close(p.grad, copies[name].grad, rtol=1e-6, atol=1e-9)


def torchvisions(name):
    if name == "densenet264":
        return torchvision.models.DenseNet(32, (6, 12, 64, 48), 64)
    return getattr(torchvision.models, name)()


@pytest.mark.parametrize(
    "name",
    ["densenet121", *(pytest.param(f"densenet{depth}", marks=pytest.mark.slow) for depth in (169, 201, 264))],
)
def test_equals_torchvision(assert_equals_reference, on_meta, name):
    with torch.device("meta"):
        theirs = torchvisions(name)
    assert_equals_reference(on_meta(name), theirs, torch.randn(3, 3, 64, 64))


def test_dropout_follows_every_convolution_but_the_first(on_meta):
    """Section 4.2. A layer that drops everything leaves its block's input alone."""
    for options in ({}, BC):
        kinds = [row.kind for row in cost.trace(on_meta("densenet40", dropout=0.2, **options), CIFAR)]
        followed = [b == "Dropout" for a, b in pairwise(kinds) if a == "Conv2d"]
        assert followed == [False] + [True] * 38
        net = on_meta("densenet40", dropout=0.2, **options)
        assert {layer.p for layer in net.modules() if isinstance(layer, nn.Dropout)} == {0.2}
    layer = nets.build("densenet40", dropout=1.0).blocks.block1.layer1.train()
    x = torch.randn(2, 16, 4, 4)
    assert torch.equal(layer(x), torch.cat((x, torch.zeros(2, 12, 4, 4)), 1))


def test_initial_values():
    """The authors' Torch code: convolutions N(0, 2 / (k^2 maps out)), fc of variance 1 / (3 maps in), its bias 0."""
    net = nets.build("densenet_bc100")
    conv = net.blocks.block3.layer16.branch.conv1
    assert conv.weight.std().item() == pytest.approx((2 / 48) ** 0.5, rel=0.03)
    assert net.fc.weight.std().item() == pytest.approx((1 / (3 * 342)) ** 0.5, rel=0.05)
    assert not net.fc.bias.any()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("densenet40", {"growth": 0}, "growth cannot be 0; it takes a whole number, 1 or more"),
        ("densenet40", {"compression": 1.5}, "compression cannot be 1.5; it takes a number above 0 and at most 1"),
        ("densenet121", {"bottleneck": "BC"}, "it takes True or False"),
        ("densenet121", {"width": 2.0}, "no option 'width'; it has num_classes, in_channels, growth"),
    ],
)
def test_wrong_options_are_named(on_meta, name, options, message):
    with pytest.raises(ValueError, match=message):
        on_meta(name, **options)


@pytest.mark.parametrize(("depth", "bottleneck", "rule"), [(41, False, "3n"), (43, True, "6n"), (4, False, "3n")])
def test_a_depth_that_does_not_divide_is_refused(depth, bottleneck, rule):
    with pytest.raises(ValueError, match=rf"depth {depth} is not {rule}\+4"):
        DenseNetLayout(depth).layers_per_block(bottleneck)
