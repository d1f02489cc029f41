"""Activations, gradients and gates unit by unit against values worked out by other means."""

import itertools
import math

import pytest
import torch
from torch import nn

import nets
from experiments.data.augment import Batches
from experiments.data.load import load
from experiments.spec import DataSpec, NetSpec, Recipe, RunSpec
from experiments.training.signals import measure, units_of
from experiments.training.train import build_net

RECIPE = Recipe(iterations=10, batch_size=8, crop_padding=1)


@pytest.fixture(scope="module")
def digits():
    return load("digits", train_images=100)


def measured(digits, name, options=None, change=None, recipe=RECIPE):
    spec = RunSpec(net=NetSpec(name, options or {}), data=DataSpec("digits", 100), recipe=recipe, seed=3)
    net = build_net(spec, digits).to(memory_format=torch.channels_last)
    if change:
        change(net)
    return net, spec, measure(net, spec, Batches(spec, digits.train))


def by_kind(found, kind):
    return {key.split("/")[2]: value for key, value in found.items() if key.split("/")[1] == kind}


def rms(values):
    return math.sqrt(values.double().square().mean().item())


def test_the_last_unit_by_hand(digits):
    """resnet8's logits are W mean(y) + b of the last unit's y: dL/dy = (softmax - onehot) W / (64 * pixels)."""
    net, spec, found = measured(digits, "resnet8")
    images = Batches(spec, digits.train).pixels(digits.train.images[:64])
    net.train()
    unit, outputs = units_of(net)[-1], []
    unit.register_forward_hook(lambda module, inputs, output: outputs.append(output.detach()))
    logits = net(images).detach()
    onehot = torch.eye(10)[digits.train.labels[:64]]
    pixels = outputs[0].shape[2] * outputs[0].shape[3]
    gradient = (logits.softmax(1) - onehot) @ net.fc.weight.detach() / (64 * pixels)
    assert by_kind(found, "activation")["02"] == pytest.approx(rms(outputs[0]), rel=1e-5)
    assert by_kind(found, "gradient")["02"] == pytest.approx(rms(gradient), rel=1e-4)


def test_the_size_of_the_loss_is_the_size_of_the_gradients(digits):
    """Smoothing to (nearly) uniform labels at (nearly) uniform predictions leaves (nearly) no gradient."""
    _, _, sharp = measured(digits, "resnet8")
    _, _, smooth = measured(
        digits, "resnet8", change=lambda net: net.fc.weight.data.mul_(1e-3), recipe=Recipe(label_smoothing=1 - 1e-6)
    )
    assert by_kind(smooth, "gradient")["00"] < 1e-4 * by_kind(sharp, "gradient")["00"]


@pytest.mark.parametrize(("shortcut", "bias"), [("exclusive_gate", -6.0), ("shortcut_gate", 2.0)])
def test_a_gate_without_weights_is_the_sigmoid_of_its_bias(digits, shortcut, bias):
    def clear(net):
        for name, parameter in net.named_parameters():
            if "gate" in name and name.endswith("weight"):
                parameter.data.zero_()

    _, _, found = measured(digits, "resnet8", {"shortcut": shortcut, "gate_bias": bias}, clear)
    assert by_kind(found, "gate") == pytest.approx(dict.fromkeys(("00", "01", "02"), 1 / (1 + math.exp(-bias))))


def test_nothing_is_left_behind(digits):
    """Weights, BN's statistics, gradients, hooks, mode and the global stream are as they were."""
    spec = RunSpec(net=NetSpec("resnet8", {"shortcut": "dropout"}), data=DataSpec("digits", 100), recipe=RECIPE)
    net = build_net(spec, digits).eval()
    before, stream = {k: v.clone() for k, v in net.state_dict().items()}, torch.get_rng_state()
    batches = Batches(spec, digits.train)
    first, second = measure(net, spec, batches), measure(net, spec, batches)
    assert first == second  # the masks of dropout are those of a stream of its own
    assert not by_kind(first, "gate")
    assert torch.equal(torch.get_rng_state(), stream)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
    assert not net.training
    assert not any(module._forward_hooks for module in net.modules())


@pytest.mark.parametrize(
    ("name", "options", "units"),
    [
        ("resnet20", {}, 9),  # 6n + 2 layers: 3n units
        ("resnet164", {}, 54),
        ("googlenet", {}, 9),  # Table 1: 3a to 5b
        ("inception_v3", {"aux": False}, 11),  # 3, 5 and 3 with the two reductions
        ("inception_resnet_v1", {}, 22),  # 5, 10 and 5, and the two reductions
        ("mnist_inception", {}, 2),
        ("densenet40", {}, 36),  # 3 blocks of 12
        ("densenet121", {}, 58),
        ("mobilenet", {}, 13),  # Table 1
        ("mobilenet", {"convolution": "full", "shallow": True}, 8),
        ("alexnet_2012", {}, 5),  # its convolutions
        ("lenet", {}, 2),
    ],
)
def test_units_are_what_the_family_counts(name, options, units):
    with torch.device("meta"):
        net = nets.build(name, **options)
    assert len(units_of(net)) == units


def test_names_sort_as_the_units_stand(digits):
    """101 convolutions y = 1.1 x: three digits each, and every output 1.1 times the one before."""
    net = nn.Sequential(*(nn.Conv2d(1, 1, 1, bias=False) for _ in range(101)), nn.AvgPool2d(8), nn.Flatten())
    for conv in net[:101]:
        nn.init.constant_(conv.weight, 1.1)
    spec = RunSpec(data=DataSpec("digits", 100), recipe=RECIPE)
    found = by_kind(measure(net.append(nn.Linear(1, 10)), spec, Batches(spec, digits.train)), "activation")
    assert list(found) == sorted(found) == [f"{k:03}" for k in range(101)]
    values = list(found.values())
    assert [b / a for a, b in itertools.pairwise(values)] == pytest.approx([1.1] * 100)


def test_channels_of_a_dense_layer_are_those_it_adds(digits):
    net, *_ = measured(digits, "densenet40", {"growth": 4})
    assert [unit[2].out_channels for unit in units_of(net)] == [4] * 36
