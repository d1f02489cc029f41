"""Whole residual nets: published counts, depths, the paper's first and last units, torchvision with copied weights."""

import pytest
import torch
import torchvision
from torch.utils.flop_counter import FlopCounterMode

import nets
from nets import cost
from nets.residual import ORDERS

# Parameters: pycls and open_lth (B-20, B-56, B-110), highway-resnet-comparison (A-110 and the highway net), torchvision
# (18 to 152); multiply-adds: He et al. 2015, Table 1 (1.8 to 11.3 G, to its rounding) and recounts by hand.
COUNTS = [
    ("resnet20", {}, 269_722, 40_551_040),
    ("resnet20", {"downsample": "B"}, 272_474, None),
    ("resnet56", {"downsample": "B"}, 855_770, None),
    ("resnet110", {}, 1_727_962, 252_887_680),
    ("resnet110", {"order": "full_preact"}, 1_727_962, 252_887_680),
    ("resnet110", {"downsample": "B"}, 1_730_714, 253_149_824),
    ("resnet110", {"shortcut": "exclusive_gate"}, 1_824_186, None),
    ("resnet110", {"shortcut": "conv1x1"}, 1_826_202, None),
    (
        "resnet110",
        {"shortcut": "highway", "order": "relu_before_add", "downsample": "B", "width": 0.875},
        2_649_918,
        None,
    ),
    ("resnet164", {}, 1_704_154, None),
    ("resnet164", {"order": "full_preact"}, 1_703_258, None),
    ("resnet164", {"order": "full_preact", "num_classes": 100}, 1_726_388, None),
    pytest.param("resnet1001", {"order": "full_preact"}, 10_327_706, None, marks=pytest.mark.slow),
    pytest.param("resnet1202", {}, 19_421_274, None, marks=pytest.mark.slow),
    ("resnet18", {}, 11_689_512, None),
    ("resnet18", {"downsample": "A"}, 11_515_688, None),
    ("resnet34", {}, 21_797_672, None),
    ("resnet50", {}, 25_557_032, 3_857_973_248),
    ("resnet50", {"bottleneck_stride": "3x3"}, 25_557_032, 4_089_184_256),
    ("resnet101", {}, 44_549_160, None),
    ("resnet152", {}, 60_192_808, None),
    ("resnet200", {"order": "full_preact", "bottleneck_stride": "3x3"}, 64_666_152, None),
]


def image_shape(name: str) -> tuple[int, int, int]:
    return (
        (3, 224, 224)
        if name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet200")
        else (3, 32, 32)
    )


@pytest.mark.parametrize(("name", "options", "parameters", "multiply_adds"), COUNTS)
def test_published_counts(name, options, parameters, multiply_adds):
    net = on_meta(name, **options)
    assert sum(p.numel() for p in net.parameters()) == parameters == cost.parameters(net)
    counted = cost.multiply_adds(net, image_shape(name))
    with FlopCounterMode(display=False) as counter:
        net.eval()(torch.empty(1, *image_shape(name), device="meta"))
    assert counted == counter.get_total_flops() / 2
    assert multiply_adds in (None, counted)


def on_meta(name, **options):
    """A net without storage, which costs no time to fill."""
    with torch.device("meta"):
        return nets.build(name, **options)


@pytest.mark.parametrize("name", [name for name in nets.names() if name.startswith("resnet")])
def test_the_depth_in_the_name_is_the_counted_weight_layers(name):
    assert cost.weight_layers(on_meta(name)) == int(name.removeprefix("resnet").split("_")[0])


@pytest.mark.parametrize("order", ORDERS)
def test_stage_shapes(order):
    """He et al. 2015, section 4.2: maps of 32, 16, 8 with 16, 32, 64 channels."""
    net = nets.build("resnet20", order=order)
    shapes = []
    for stage in (net.stage1, net.stage2, net.stage3):
        stage.register_forward_hook(lambda m, i, o: shapes.append(tuple(o.shape[1:])))
    net(torch.randn(2, 3, 32, 32))
    assert shapes == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]


def layer_kinds(net) -> str:
    """The layers in the order of execution: c, b, r (BN, ReLU), f."""
    letters = {"Conv2d": "c", "BatchNorm2d": "b", "ReLU": "r", "Linear": "f"}
    return "".join(letters.get(row.kind, "") for row in cost.trace(net, (3, 32, 32)))


@pytest.mark.parametrize(
    ("order", "kinds"),
    [
        ("original", "cbr" + "cbrcbr" * 3 + "f"),
        ("bn_after_add", "cbr" + "cbrcbr" * 3 + "f"),
        ("relu_before_add", "cbr" + "cbrcbr" * 3 + "f"),
        ("relu_only_preact", "cbr" + "cbrcb" + "rcbrcb" * 2 + "r" + "f"),
        ("full_preact", "cbr" + "cbrc" + "brcbrc" * 2 + "br" + "f"),
    ],
)
def test_executed_order_of_resnet8(order, kinds):
    """First unit without an activation of its own, one more after the last sum (He et al. 2016, appendix)."""
    assert layer_kinds(nets.build("resnet8", order=order)) == kinds


@pytest.mark.parametrize(("post", "pre"), [("original", "relu_only_preact"), ("bn_after_add", "full_preact")])
def test_orders_coincide_with_one_unit_per_stage_and_differ_with_more(post, pre):
    """After the last unit of a stage, an activation after the sum is the shared one of the next unit."""
    x = torch.randn(4, 3, 16, 16)
    for depth, same in ((8, True), (20, False)):
        a, b = nets.build(f"resnet{depth}", order=post), nets.build(f"resnet{depth}", order=pre)
        for net in (a, b):
            nets.initialise(net, lambda name: torch.Generator().manual_seed(len(name) + 7 * ("stage2" in name)))
        assert torch.allclose(a(x), b(x), atol=1e-5) == same


@pytest.mark.parametrize("order", ORDERS)
def test_every_parameter_gets_a_gradient(order):
    for shortcut in ("identity", "exclusive_gate", "conv1x1", "dropout", "none", "highway"):
        net = nets.build("resnet8", order=order, shortcut=shortcut)
        net(torch.randn(4, 3, 16, 16)).square().sum().backward()
        missing = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
        assert not missing


def test_variants_share_parameter_names():
    named = [dict(nets.build("resnet20", order=order).named_parameters()) for order in ORDERS]
    common = set.intersection(*(set(rows) for rows in named))
    convolutions = {name for name in named[0] if "conv" in name}
    assert convolutions <= common


def test_equal_names_start_equal_and_seeds_differ():
    def stream(seed):
        return lambda name: torch.Generator().manual_seed(hash_of(seed, name))

    def hash_of(seed, name):
        return seed * 1000 + sum(map(ord, name))

    first, second = (nets.build("resnet8", order=order) for order in ("original", "full_preact"))
    for net in (first, second):
        nets.initialise(net, stream(3))
    a, b = first.state_dict(), second.state_dict()
    shared = [name for name in a.keys() & b.keys() if "conv" in name or "fc" in name]
    assert shared
    assert all(torch.equal(a[name], b[name]) for name in shared)
    nets.initialise(second, stream(4))
    assert not torch.equal(second.state_dict()["conv1.weight"], a["conv1.weight"])


def test_he_initialisation_is_fan_out():
    """std = sqrt(2 / (k k C_out)), as resnet-1k-layers and fb.resnet.torch draw convolutions; they leave Torch's
    uniform +-1 / sqrt(in) for the linear layer, whose logits therefore start small: the loss starts near log(10)."""
    net = nets.build("resnet110")
    assert net.stage3[5].conv1.weight.std().item() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.02)
    assert net.fc.weight.std().item() == pytest.approx((1 / (3 * 64)) ** 0.5, rel=0.1)
    assert torch.equal(net.fc.bias, torch.zeros(10))
    full = nets.build("resnet20", order="full_preact")
    loss = torch.nn.functional.cross_entropy(full(torch.randn(256, 3, 32, 32)), torch.arange(256) % 10)
    assert abs(loss.item() - 2.303) < 0.5


TORCHVISION = [
    ("resnet18", {}),
    ("resnet34", {}),
    ("resnet50", {"bottleneck_stride": "3x3"}),
    pytest.param("resnet101", {"bottleneck_stride": "3x3"}, marks=pytest.mark.slow),
    pytest.param("resnet152", {"bottleneck_stride": "3x3"}, marks=pytest.mark.slow),
]


def as_torchvision(name: str) -> str:
    """Our parameter's name in torchvision's net."""
    for ours, theirs in (
        ("stage", "layer"),
        ("shortcut.resize.conv", "downsample.0"),
        ("shortcut.resize.bn", "downsample.1"),
    ):
        name = name.replace(ours, theirs)
    return name


@pytest.mark.parametrize(("name", "options"), TORCHVISION)
def test_equals_torchvision_with_copied_weights(assert_equals_reference, name, options):
    """Outputs, gradients and running statistics, in float64."""
    theirs = getattr(torchvision.models, name)(weights=None)
    ours = on_meta(name, **options)
    assert_equals_reference(ours, theirs, torch.randn(3, 3, 64, 64), [as_torchvision(key) for key in ours.state_dict()])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nets.build("resnet111"), "did you mean resnet110"),
        (lambda: nets.build("resnet20", order="post"), "it takes original, bn_after_add"),
        (lambda: nets.build("resnet20", orders="original"), "it has num_classes, in_channels, unit, order"),
        (lambda: nets.build("resnet20", gate_bias="low"), "gate_bias cannot be 'low'; it takes a number"),
        (lambda: nets.build("resnet20", conv1x1_bn=1), "it takes True or False"),
        (lambda: nets.build("resnet32", unit="bottleneck"), "depth 32 is not 9n\\+2"),
        (lambda: nets.build("resnet20", width=-1), "width cannot be -1; it takes a number above 0"),
        (lambda: nets.build("resnet20", width="wide"), "width cannot be 'wide'; it takes a number above 0"),
        (lambda: nets.build("resnet20", gate_bias=float("nan")), "gate_bias cannot be nan; it takes a number"),
        (lambda: nets.build("resnet20", shortcut_dropout=1.5), "it takes a number from 0 to 1"),
        (lambda: nets.build("resnet20", num_classes=0), "it takes a whole number, 1 or more"),
        (lambda: nets.build("resnet20", num_classes=True), "it takes a whole number, 1 or more"),
        (lambda: nets.build("resnet20", cardinality=4), "cardinality and bottleneck_width need unit = bottleneck"),
        (lambda: nets.build("resnet164", cardinality=3), "cardinality must divide the 16 channels .*, not 3"),
    ],
)
def test_wrong_names_and_options_say_what_is_right(call, words):
    with pytest.raises(ValueError, match=words):
        call()
