"""Every net and every value of every option: shapes, gradients, bfloat16, channels-last."""

import copy
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

import pytest
import torch
from torch import nn

import nets
from nets.shortcuts import ReZero


@dataclass(frozen=True)
class Small:
    """The net that represents all nets of one builder: the options that make it small, and the side of its images.

    others: second values of the options that are numbers or tuples; needs: the setting in which an option acts.
    """

    name: str
    side: int
    others: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    needs: dict[str, dict[str, Any]] = field(default_factory=dict)


COMMON = {"num_classes": 7, "in_channels": 2, "norm_groups": 4}
NORM_GROUPS = {"norm_groups": {"norm": "group"}}
BOTTLENECK = {"unit": "bottleneck", "downsample": "B"}
INCEPTION = {"width": 0.2, "dropout": 0.3, "bn_eps": 1e-5, **COMMON}
NARROW = {"width": 0.125, "num_classes": 10}
GATE, DROPOUT, SCALED = {"shortcut": "exclusive_gate"}, {"shortcut": "dropout"}, {"shortcut": "scaled"}
REPRESENTATIVES = (
    Small(
        "resnet20",  # a depth of 3n+2, 6n+2 and 9n+2
        16,
        {
            "shortcut_scale": 0.5,
            "residual_scale": 0.5,
            "gate_bias": -2.0,
            "shortcut_dropout": 0.2,
            "width": 0.5,
            "layer_scale": 0.1,
            "cardinality": 4,
            "bottleneck_width": 2.0,
            "attention_reduction": 4,
            "stochastic_depth": 0.2,
            **COMMON,
        },
        needs={
            "unit": {"downsample": "B"},
            "width": {"downsample": "B"},
            "shortcut_scale": SCALED,
            "residual_scale": SCALED,
            "gate_bias": GATE,
            "gate_reads": GATE,
            "conv1x1_bn": {"shortcut": "conv1x1"},
            "shortcut_dropout": DROPOUT,
            "dropout_scaling": DROPOUT,
            "shortcut_units": GATE,
            "bottleneck_stride": BOTTLENECK,
            "preact_shortcuts": {"order": "full_preact"},
            "projection_bn": {"downsample": "B"},
            "layer_scale": {"shortcut": "layer_scale"},
            "cardinality": BOTTLENECK,
            "bottleneck_width": BOTTLENECK,
            "attention_reduction": {"attention": "squeeze_excite"},
            **NORM_GROUPS,
        },
    ),
    Small(
        "inception_v3",
        139,
        INCEPTION,
        NARROW,
        {"aux_bn": {"aux": True}, "norm": {"aux_bn": False, "norm_groups": 2}, **NORM_GROUPS},  # one pixel in the head
    ),
    Small(
        "inception_v4_cifar", 16, {"blocks": (2, 1, 1), **INCEPTION}, {"blocks": (1, 1, 1), "width": 0.125}, NORM_GROUPS
    ),
    Small(
        "inception_resnet_cifar",
        16,
        {"blocks": (2, 1, 1), "residual_scale": 0.3, **INCEPTION},
        {"blocks": (1, 1, 1), "width": 0.125},
        NORM_GROUPS,
    ),
    Small(
        "alexnet_cifar",
        32,
        {"dropout": 0.3, "conv1_padding": 0, **COMMON},
        needs={"dropout_scaling": {"dropout": 0.3}, "dropout_place": {"dropout": 0.3}, **NORM_GROUPS},
    ),
    Small(
        "densenet40",
        8,
        {"growth": 6, "compression": 0.5, "dropout": 0.2, "stem_width": 9, **COMMON},
        {"growth": 4},
        NORM_GROUPS,
    ),
    Small(
        "mobilenet",
        64,
        {"width": 0.4, **COMMON},
        {"width": 0.25, "num_classes": 10},
        {"norm": {"stem_stride": 1}, **NORM_GROUPS},  # instance normalisation needs more than one pixel
    ),
    Small("lenet5", 32, {"padding": 2, **COMMON}),
    Small("lenet", 32, {"padding": 2, **COMMON}, needs=NORM_GROUPS),
    Small("mnist_cnn", 28, {"padding": 2, **COMMON}, needs=NORM_GROUPS),
    Small(  # ReLU without BN silences all of the two channels that the narrowest branches have
        "googlenet",
        96,  # not 48: on maps of one or two pixels oneDNN leaves the bf16 weight gradient of a 5x5 unfilled in part
        {"aux_after": ("3b", "4e"), "aux_dropout": 0.3, **INCEPTION},
        {**NARROW, "activation": "elu"},
        {"activation": {"width": 0.5}, "bn_eps": {"norm": "batch"}, **NORM_GROUPS},
    ),
    Small("inception_bn", 96, INCEPTION, NARROW, NORM_GROUPS),
    Small(
        "mnist_inception",
        28,
        {"padding": 2, **COMMON},
        needs={
            "activation": {"branch_layers": "conv_act"},
            "norm": {"branch_layers": "conv_bn_act"},
            "norm_groups": {"branch_layers": "conv_bn_act", "norm": "group"},
        },
    ),
    Small("mnist_resnet", 28, {"padding": 2, **COMMON}, needs=NORM_GROUPS),
)


def values_of(option: nets.Option, other: Any) -> list[Any]:
    """All choices: names, both booleans, None; of a number or tuple `other`."""
    numeric = [kind for kind in option.kinds if not nets.Option(None, kind).choices]
    return option.choices + [other for _ in numeric]


def cases() -> list[tuple[str, int, dict[str, Any]]]:
    """(name, side, options): each representative with one option changed from what makes it small."""
    rows = []
    for small in REPRESENTATIVES:
        for name, option in nets.options_of(small.name).items():
            for value in values_of(option, small.others.get(name)):
                row = (small.name, small.side, {**small.options, **small.needs.get(name, {}), name: value})
                rows.append(row)
    return rows


# The other nets and presets with their defaults, on small images. Slow are those of full size.
WHOLE = {
    **dict.fromkeys(("resnet8", "resnet32", "resnet44", "resnet110_1layer"), 16),
    "resnet18": 96,  # on maps of one pixel, oneDNN's bf16 weight gradient can be non-finite, see README
    **dict.fromkeys(("alexnet_fig1", "densenet_bc100", "mobilenet"), 32),
    "googlenet_cifar": 8,
}
NARROWED = {
    "inception_v4": (75, {**NARROW, "blocks": (1, 1, 1)}),
    "inception_resnet_v1": (75, {**NARROW, "blocks": (1, 1, 2)}),
    "inception_resnet_v2": (75, {**NARROW, "blocks": (1, 1, 2)}),
    "densenet121": (32, {"growth": 4, "stem_width": 8, "num_classes": 10}),
}
WHOLE_SLOW = {
    **dict.fromkeys(("resnet56", "resnet110", "resnet164", "resnet1001", "resnet1202"), 16),
    **dict.fromkeys(("wrn16_8", "wrn28_10", "wrn40_4", "resnext29_8x64d"), 16),
    **dict.fromkeys(("wide_resnet50_2", "resnext50_32x4d", "resnext101_32x8d"), 64),
    **dict.fromkeys(("resnet34", "resnet50", "resnet101", "resnet152", "resnet200"), 64),
    **dict.fromkeys(("inception_v3", "inception_v4", "inception_resnet_v1", "inception_resnet_v2"), 139),
    **dict.fromkeys(("inception_v4_cifar", "inception_resnet_cifar", "inception_bn", "googlenet"), 64),
    **dict.fromkeys(("alexnet", "alexnet_2012", "alexnet_2012_one_gpu"), 127),
    **dict.fromkeys(("densenet40", "densenet100", "densenet_bc190", "densenet_bc250"), 16),
    **dict.fromkeys(("densenet121", "densenet169", "densenet201", "densenet264"), 64),
}
CASES = [
    *(pytest.param(row, id=f"{row[0]} {row[2]}") for row in cases()),
    *(pytest.param((name, side, {}), id=name) for name, side in WHOLE.items()),
    *(pytest.param((name, *row), id=f"{name} narrow") for name, row in NARROWED.items()),
    *(pytest.param((name, side, {}), id=name, marks=pytest.mark.slow) for name, side in WHOLE_SLOW.items()),
]


@dataclass(frozen=True)
class Trained:
    """A net with gradients of one pass over its images."""

    net: nn.Module
    images: torch.Tensor
    outputs: list[torch.Tensor]
    num_classes: int


def makers() -> dict[str, Any]:
    """The builder of each name; presets share one."""
    rows = {name: make for family in nets.FAMILIES for name, make in import_module(f"nets.{family}").NETS.items()}
    return {name: make.func if isinstance(make, partial) else make for name, make in rows.items()}


def test_every_net_is_listed():
    assert {case.values[0][0] for case in CASES} == set(makers())


def test_every_choice_of_every_option_is_listed():
    """All choices, both booleans, None; of numbers and tuples one other than the default."""
    maker, representatives = makers(), {small.name for small in REPRESENTATIVES}
    rows = [case.values[0] for case in CASES]
    seen = {(maker[name], option, repr(value)) for name, _, options in rows for option, value in options.items()}
    for name in maker:  # not those that other tests of this process have registered
        for key, option in nets.options_of(name).items():
            given = {value for made, other, value in seen if made is maker[name] and other == key}
            assert given - {repr(option.default)} or name not in representatives, f"{name}: {key} has its default only"
            assert {repr(choice) for choice in option.choices} <= given, f"{name}: {key}"


@pytest.fixture(scope="module", params=CASES)
def trained(request) -> Trained:
    name, side, options = request.param
    torch.manual_seed(0)
    net, known = nets.build(name, **options), nets.options_of(name)
    for module in net.modules():
        if type(module) is ReZero:  # at its initial 0 no gradient reaches the branch
            module.scale.data.fill_(0.5)
    images = torch.randn(4, options.get("in_channels", known["in_channels"].default), side, side)
    return Trained(net, images, train(net, images), options.get("num_classes", known["num_classes"].default))


def train(net: nn.Module, images: torch.Tensor) -> list[torch.Tensor]:
    """The outputs, those of auxiliary heads too; gradients of the sum of their squares."""
    net.zero_grad()
    answer = net.train()(images)
    outputs = [o for o in answer if o is not None] if isinstance(answer, tuple) else [answer]
    sum(output.float().square().sum() for output in outputs).backward()
    return outputs


def without_finite_gradient(net: nn.Module) -> list[str]:
    return [name for name, p in net.named_parameters() if p.grad is None or not p.grad.isfinite().all()]


def test_logits_and_gradients(trained):
    """(N, num_classes) from every output; a gradient, finite and not all zero, for every parameter."""
    assert {output.shape for output in trained.outputs} == {(4, trained.num_classes)}
    assert without_finite_gradient(trained.net) == []
    assert [name for name, p in trained.net.named_parameters() if not p.grad.any()] == []


@torch.no_grad()
def test_channels_last(trained):
    """The same logits but for rounding, in float64: sums in another order."""
    net, images = copy.deepcopy(trained.net).double().eval(), trained.images.double()
    plain = net(images)
    assert plain.shape == (4, trained.num_classes)
    last = net.to(memory_format=torch.channels_last)(images.to(memory_format=torch.channels_last))
    assert (last - plain).norm() < 1e-10 * plain.norm()


def test_bfloat16(trained):
    """Logits are float32's within a tenth of their size (8 bits, over the whole depth); gradients are finite."""
    with torch.no_grad():
        plain = trained.net.eval()(trained.images)
        with torch.autocast("cpu", torch.bfloat16):
            low = trained.net(trained.images)
    assert (low.float() - plain).norm() < 0.1 * plain.norm()
    with torch.autocast("cpu", torch.bfloat16):
        train(trained.net, trained.images)
    assert without_finite_gradient(trained.net) == []
