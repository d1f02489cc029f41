"""Later variants of the residual net against timm's and torchvision's, in float64 with copied weights."""

from functools import partial

import pytest
import timm
import torch
import torchvision
from timm.layers import BlurPool2d, LayerScale2d
from torch import nn

import nets
from nets.branch import SqueezeExcite, StochasticDepth
from nets.downsampling import BlurPool, Geometry, make_resize
from nets.norms import NormSpec

V1_5 = {"bottleneck_stride": "3x3"}
IMAGES = (3, 3, 64, 64)


@pytest.fixture
def assert_equals(assert_equals_reference):
    """check(theirs, name, **options), where every stage has one unit and so every kind of unit occurs."""

    def check(theirs: nn.Module, name: str, **options) -> None:
        ours = nets.build(name, num_classes=10, **options)
        keys = [as_timm(key) for key in ours.state_dict()]
        assert_equals_reference(ours.double(), theirs.double(), torch.randn(IMAGES), keys)

    return check


def as_timm(name: str) -> str:
    """Our parameter's name in the nets of timm and torchvision."""
    replaced = [("stage", "layer"), ("attention", "se"), ("shortcut.scale", "se.gamma")]
    pooled = "shortcut.resize.pool" in name
    for ours, theirs in (*replaced, ("shortcut.resize.conv", "downsample.0"), ("shortcut.resize.bn", "downsample.1")):
        name = name.replace(ours, theirs)
    assert not pooled
    return name


def as_timm_d(name: str) -> str:
    """timm's ResNet-D has the pooling of a shortcut, or an identity, in front of its projection."""
    return as_timm(name).replace("downsample.1", "downsample.2").replace("downsample.0", "downsample.1")


@pytest.mark.parametrize("name", ["resnet18", pytest.param("resnet50", marks=pytest.mark.slow)])
def test_resnet_d_equals_timm(name, assert_equals_reference):
    """Three 3x3 convolutions in the stem; 2x2 average pooling before a 1x1 convolution without stride."""
    ours = nets.build(name, num_classes=10, stem="deep_pool", downsample="D", **V1_5).double()
    theirs = timm.create_model(f"{name}d", num_classes=10).double()
    assert_equals_reference(ours, theirs, torch.randn(IMAGES), [as_timm_d(key) for key in ours.state_dict()])


@pytest.mark.parametrize(
    "name",
    [
        "resnext50_32x4d",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("wide_resnet50_2", "resnext101_32x8d")),
    ],
)
def test_groups_and_width_of_the_bottleneck_equal_torchvision(name, assert_equals):
    assert_equals(getattr(torchvision.models, name)(num_classes=10), name)


def test_squeeze_excite_equals_timm(assert_equals):
    assert_equals(timm.create_model("seresnet50", num_classes=10), "resnet50", attention="squeeze_excite", **V1_5)


@pytest.mark.parametrize("name", ["resnet18", pytest.param("resnet50", marks=pytest.mark.slow)])
def test_anti_aliasing_equals_timm(name, assert_equals):
    theirs = timm.create_model(name, aa_layer=BlurPool2d, num_classes=10)
    assert_equals(theirs, name, antialias="blur", **V1_5)


@pytest.mark.parametrize(("shortcut", "per_channel"), [("layer_scale", True), ("rezero", False)])
def test_scaled_branches_equal_timm_s_layer_scale(shortcut, per_channel, assert_equals):
    """One number per channel, or one per unit, times the branch before the sum."""
    theirs = timm.create_model("resnet18", num_classes=10)
    for block in (block for layer in (theirs.layer1, theirs.layer2, theirs.layer3, theirs.layer4) for block in layer):
        block.se = LayerScale2d(block.conv2.out_channels if per_channel else 1)
    assert_equals(theirs, "resnet18", shortcut=shortcut, downsample="B")


def test_stochastic_depth_equals_timm(assert_equals):
    """The same draws from the global stream drop the same images; block l of 8 with probability 0.5 l / 8."""
    theirs = timm.create_model("resnet18", num_classes=10, drop_path_rate=0.5)
    blocks = [block for layer in (theirs.layer1, theirs.layer2, theirs.layer3, theirs.layer4) for block in layer]
    for number, block in enumerate(blocks, start=1):
        block.drop_path = timm.layers.DropPath(0.5 * number / len(blocks))
    assert_equals(theirs, "resnet18", stochastic_depth=0.5)


@pytest.mark.parametrize(
    ("norm", "layer"),
    [
        ("group", partial(nn.GroupNorm, 16)),
        ("layer", partial(nn.GroupNorm, 1)),
        ("instance", partial(nn.InstanceNorm2d, affine=True)),
    ],
)
def test_norms_equal_torchvision_s_net_with_that_layer(norm, layer, assert_equals):
    assert_equals(torchvision.models.resnet18(num_classes=10, norm_layer=layer), "resnet18", norm=norm, norm_groups=16)


@pytest.mark.parametrize(
    ("channels", "groups", "expected"),
    [(64, 32, 32), (256, 32, 32), (16, 32, 8), (80, 32, 16), (28, 4, 4), (7, 32, 1), (1, 32, 1)],
)
def test_groups_divide_the_channels_and_never_become_instance_norm(channels, groups, expected):
    """Wu and He 2018 have 32 groups from 64 channels on; the 16 of a CIFAR net have 8, of two channels each."""
    assert NormSpec("group", groups).layer(channels).num_groups == expected


def with_gradients(layer, x):
    x = x.clone().requires_grad_()
    y = layer(x)
    y.square().sum().backward()
    return y, x.grad


@pytest.mark.parametrize("side", [8, 7])
def test_blur_pool_is_timm_s(side):
    x = torch.randn(2, 5, side, side + 1, dtype=torch.float64)
    ours, theirs = (with_gradients(layer.double(), x) for layer in (BlurPool(5), BlurPool2d(5)))
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("downsample", ["D", "blur"])
def test_pooled_projections(downsample):
    """A low-pass filter with the stride, then a 1x1 convolution without; units without stride have no filter."""
    pool = {"D": nn.AvgPool2d(2), "blur": BlurPool2d(3)}[downsample].double()
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    for stride in (1, 2):
        resize = make_resize(Geometry(3, 6, stride, projection_bn=False), downsample).double()
        torch.testing.assert_close(resize(x), resize.conv(pool(x) if stride == 2 else x))
    assert isinstance(make_resize(Geometry(3, 3, 1, projection_bn=True), downsample), nn.Identity)


def test_squeeze_excite_formula():
    """x sigmoid(W2 relu(W1 mean(x) + b1) + b2): Hu et al. 2018, equation 3."""
    layer, x = SqueezeExcite(8, 4).double(), torch.randn(2, 8, 3, 5, dtype=torch.float64)
    z = x.mean((2, 3))
    s = torch.relu(z @ layer.fc1.weight.flatten(1).T + layer.fc1.bias)
    gate = torch.sigmoid(s @ layer.fc2.weight.flatten(1).T + layer.fc2.bias)
    torch.testing.assert_close(layer(x), x * gate[:, :, None, None])
    assert layer.fc1.out_channels == 2


def test_stochastic_depth_is_torchvision_s_and_draws_as_dropout_does():
    """The same mask for one seed of the global stream; nothing is drawn in evaluation, or for probability 0."""
    x = torch.ones(64, 2, 1, 1)
    ours, theirs = StochasticDepth(0.25), torchvision.ops.StochasticDepth(0.25, "row")
    torch.manual_seed(1)
    expected = theirs(x)
    torch.manual_seed(1)
    dropped = ours(x)
    assert torch.equal(dropped, expected)
    assert sorted(dropped.unique().tolist()) == pytest.approx([0, 4 / 3])
    state = torch.get_rng_state()
    assert ours.eval()(x) is x
    assert StochasticDepth(0.0)(x) is x
    assert torch.equal(torch.get_rng_state(), state)


def test_drop_probability_rises_linearly_to_the_option_s():
    """Huang et al. 2016, equation 4: p_l = l / L p_L."""
    net = nets.build("resnet20", stochastic_depth=0.9)
    rates = [module.p for module in net.modules() if isinstance(module, StochasticDepth)]
    assert rates == pytest.approx([0.1 * number for number in range(1, 10)])


def test_rezero_starts_as_the_identity():
    """Every branch is multiplied by 0: the stages pass their input on, options A resized."""
    net = nets.build("resnet20", shortcut="rezero", order="full_preact", preact_shortcuts="first").eval()
    x = torch.randn(2, 16, 8, 8)
    assert torch.equal(net.stage1(x), x)
    assert torch.equal(net.stage2(x), nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, 16)))


def wrn_by_hand(depth: int, factor: int) -> int:
    """Zagoruyko and Komodakis 2016, Table 1: a 3x3 stem, 2 convolutions and 2 BN per unit, a projection per stage."""
    total, channels = 3 * 16 * 9, 16
    for width in (16 * factor, 32 * factor, 64 * factor):
        for first in (True, *[False] * ((depth - 4) // 6 - 1)):
            total += 2 * channels + channels * width * 9 + 2 * width + width * width * 9
            total += channels * width if first else 0
            channels = width
    return total + 2 * channels + 10 * channels + 10


def resnext29_by_hand(groups: int, group_width: int) -> int:
    """Xie et al. 2017, section 5.3: outputs 256, 512, 1024; the inner width is groups x group_width, then doubles."""
    total, channels, inner = 3 * 64 * 9 + 2 * 64, 64, groups * group_width
    for out in (256, 512, 1024):
        for first in (True, False, False):
            total += channels * inner + inner * inner // groups * 9 + inner * out + 2 * (2 * inner + out)
            total += channels * out + 2 * out if first else 0
            channels = out
        inner *= 2
    return total + 10 * channels + 10


# Millions: Zagoruyko and Komodakis 2016, Tables 4 and 5; Xie et al. 2017, Table 7.
@pytest.mark.parametrize(
    ("name", "millions", "by_hand"),
    [
        ("wrn28_10", 36.5, wrn_by_hand(28, 10)),
        ("wrn40_4", 8.9, wrn_by_hand(40, 4)),
        ("wrn16_8", 11.0, wrn_by_hand(16, 8)),
        ("resnext29_8x64d", 34.4, resnext29_by_hand(8, 64)),
    ],
)
def test_published_parameters(name, millions, by_hand, on_meta):
    counted = sum(p.numel() for p in on_meta(name).parameters())
    assert round(counted / 1e6, 1) == millions
    assert counted == by_hand
