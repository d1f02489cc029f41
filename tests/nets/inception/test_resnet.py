"""Inception-ResNet: published and hand-made counts, timm with copied weights, residual sums and their scale."""

import pytest
import timm
import torch
from torch.utils.flop_counter import FlopCounterMode

import nets
from nets import cost


def on_meta(name, **options):
    """The net without storage, which costs no time to fill."""
    with torch.device("meta"):
        return nets.build(name, **options)


def by_hand(stem, blocks, maps, width=1.0, classes=1000) -> tuple[int, int]:
    """Parameters and multiply-adds of version 1 from the paper's Figures 10 to 13; stem: (in, out, k, map)."""
    parameters = multiply_adds = 0

    def conv(cin, cout, taps, side, bias=False):
        nonlocal parameters, multiply_adds
        cin, cout = (c if c == 3 else int(c * width) for c in (cin, cout))
        parameters += cin * cout * taps + (cout if bias else 2 * cout)
        multiply_adds += cin * cout * taps * side**2

    a, b, c = maps
    for cin, cout, k, side in stem:
        conv(cin, cout, k * k, side)
    for _ in range(blocks[0]):
        for cin, cout, taps in [(256, 32, 1)] * 3 + [(32, 32, 9)] * 3:
            conv(cin, cout, taps, a)
        conv(96, 256, 1, a, bias=True)
    for cin, cout, taps, side in [(256, 384, 9, b), (256, 192, 1, a), (192, 192, 9, a), (192, 256, 9, b)]:
        conv(cin, cout, taps, side)
    for _ in range(blocks[1]):
        for cin, cout, taps in [(896, 128, 1)] * 2 + [(128, 128, 7)] * 2:
            conv(cin, cout, taps, b)
        conv(256, 896, 1, b, bias=True)
    for cin, cout, taps, side in [(896, 256, 1, b)] * 3 + [(256, 256, 9, b), (256, 384, 9, c)] + [(256, 256, 9, c)] * 2:
        conv(cin, cout, taps, side)
    for _ in range(blocks[2]):
        for cin, cout, taps in [(1792, 192, 1)] * 2 + [(192, 192, 3)] * 2:
            conv(cin, cout, taps, c)
        conv(384, 1792, 1, c, bias=True)
    last = int(1792 * width)
    return parameters + last * classes + classes, multiply_adds + last * classes


STEM_V1 = [(3, 32, 3, 149), (32, 32, 3, 147), (32, 64, 3, 147), (64, 80, 1, 73), (80, 192, 3, 71), (192, 256, 3, 35)]
STEM_CIFAR = [(3, 64, 3, 32), (64, 256, 3, 32)]


@pytest.mark.parametrize(
    ("name", "side", "hand"),
    [
        ("inception_resnet_v1", 299, by_hand(STEM_V1, (5, 10, 5), (35, 17, 8))),
        ("inception_resnet_cifar", 32, by_hand(STEM_CIFAR, (5, 10, 5), (32, 16, 8), width=0.25, classes=10)),
    ],
)
def test_counts_by_hand(name, side, hand):
    net = on_meta(name)
    assert (cost.parameters(net), cost.multiply_adds(net, (3, side, side))) == hand


def test_published_counts_of_version_2():
    """timm's own net has 55,843,464 parameters, its table of results 55.84 M and 13.18 G multiply-adds."""
    net = on_meta("inception_resnet_v2")
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        reference = timm.create_model("inception_resnet_v2").eval()
        reference(torch.empty(1, 3, 299, 299))
    assert cost.parameters(net) == sum(p.numel() for p in reference.parameters()) == 55_843_464
    assert cost.multiply_adds(net, (3, 299, 299)) == counter.get_total_flops() / 2


@pytest.mark.parametrize(
    ("name", "side", "shapes"),
    [
        ("inception_resnet_v1", 299, [(256, 35, 35), (256, 35, 35), (896, 17, 17), (1792, 8, 8)]),
        ("inception_resnet_v2", 299, [(320, 35, 35), (320, 35, 35), (1088, 17, 17), (1536, 8, 8)]),
        ("inception_resnet_cifar", 32, [(64, 32, 32), (64, 32, 32), (224, 16, 16), (448, 8, 8)]),
    ],
)
def test_channels_and_maps(name, side, shapes):
    net, seen = on_meta(name, blocks=(1, 1, 1)).eval(), []
    for stage in (net.stem, net.stage_a, net.stage_b, net.stage_c):
        stage.register_forward_hook(lambda m, i, o: seen.append(tuple(o.shape[1:])))
    net(torch.empty(1, 3, side, side, device="meta"))
    assert seen == shapes


@pytest.mark.parametrize(
    ("side", "blocks"), [(75, (1, 1, 2)), pytest.param(171, (10, 20, 10), marks=pytest.mark.slow)], ids=str
)
def test_equals_timm_with_copied_weights(side, blocks, assert_equals_reference):
    """75 pixels leave one pixel after the last reduction, 171 a map of 4x4."""
    with torch.device("meta"):
        theirs = timm.create_model("inception_resnet_v2", num_classes=10, drop_rate=0.2)
    theirs.repeat, theirs.repeat_1 = theirs.repeat[: blocks[0]], theirs.repeat_1[: blocks[1]]
    theirs.repeat_2 = theirs.repeat_2[: blocks[2] - 1]  # the last module comes after it
    ours = on_meta("inception_resnet_v2", num_classes=10, blocks=blocks)
    assert_equals_reference(ours, theirs, torch.randn(2, 3, side, side))


def with_the_weights_of(source, net, expand_times=lambda stage, is_last: 1.0):
    """`net` in evaluation mode with the weights of `source`, those of every expansion multiplied by a number."""
    state = source.state_dict()
    for stage in "abc":
        names = sorted({n.split(".expand")[0] for n in state if n.startswith(f"stage_{stage}") and ".expand" in n})
        last = max(names, key=lambda n: int(n.split(".")[1]), default="")
        for name in names:
            for kind in ("weight", "bias"):
                state[f"{name}.expand.{kind}"] = state[f"{name}.expand.{kind}"] * expand_times(
                    stage, stage == "c" and name == last
                )
    net.load_state_dict({key: state[key] for key in net.state_dict()})
    return net.eval()


SMALL = {"num_classes": 10, "blocks": (2, 2, 2)}
SCALE = {"a": 0.17, "b": 0.10, "c": 0.20}


@pytest.mark.parametrize(("scale", "times"), [(None, SCALE), (0.3, dict.fromkeys("abc", 0.3))])
def test_scale_multiplies_every_expansion_but_the_last(scale, times):
    """TF-slim: 0.17, 0.10, 0.20, the last module 1."""
    net = nets.build("inception_resnet_cifar", residual_scale=scale, **SMALL).double().eval()
    whole = nets.build("inception_resnet_cifar", residual_scale=1.0, **SMALL).double()
    whole = with_the_weights_of(net, whole, lambda stage, is_last: 1.0 if is_last else times[stage])
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(net(x), whole(x))
    assert not torch.allclose(net(x), with_the_weights_of(net, whole)(x))


@pytest.mark.parametrize("residual", [True, False])
def test_without_branches_only_the_sums_pass_the_input_on(residual):
    """Expansions of zero: residual modules are the identity, plain ones leave nothing but the classifier's bias."""
    net = nets.build("inception_resnet_cifar", residual=residual, **SMALL).eval()
    net.fc.bias.data.normal_()
    with_the_weights_of(net, net, lambda stage, is_last: 0.0)
    empty = nets.build("inception_resnet_cifar", num_classes=10, blocks=(0, 0, 0)).eval()
    state = net.state_dict()
    empty.load_state_dict({key: state[key] for key in empty.state_dict()})
    x = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(net(x), empty(x) if residual else net.fc.bias.expand(2, -1))
    assert not torch.allclose(empty(x), net.fc.bias.expand(2, -1))


def test_residual_and_scale_change_no_parameter():
    shapes = [
        {name: p.shape for name, p in on_meta("inception_resnet_cifar", **options).named_parameters()}
        for options in ({}, {"residual": False}, {"residual_scale": 0.1}, {"residual_scale": None})
    ]
    assert all(other == shapes[0] for other in shapes)


def test_plain_net_has_no_scale():
    """The scale is part of the sum: without sums it changes nothing."""
    x = torch.randn(2, 3, 32, 32)
    first, second = (
        nets.build("inception_resnet_cifar", residual=False, residual_scale=scale, **SMALL) for scale in (1.0, 0.1)
    )
    assert torch.equal(first.eval()(x), with_the_weights_of(first, second)(x))
