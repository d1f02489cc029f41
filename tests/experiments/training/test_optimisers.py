"""What decays, and RMSProp against its formula and against timm's."""

import pytest
import torch
from timm.optim import RMSpropTF
from torch import nn

import nets
from experiments.spec import NetSpec, RunSpec, with_changes
from experiments.training.optimisers import RMSProp, make_optimiser


def weight_of(kinds, module, name):
    return isinstance(module, kinds) and name == "weight"


@pytest.mark.parametrize(
    ("decay", "decayed"),
    [
        ("conv", lambda module, name: weight_of(nn.Conv2d, module, name)),
        ("weights", lambda module, name: weight_of(nn.Conv2d | nn.Linear, module, name)),
        ("all", lambda module, name: True),
    ],
)
@pytest.mark.parametrize("optimiser", ["sgd", "rmsprop"])
def test_weight_decay_reaches_what_it_names(decay, decayed, optimiser):
    net = nets.build("resnet8", shortcut="shortcut_gate")
    reached = decay_of(net, decay, optimiser)
    assert len(reached) == len(list(net.parameters()))
    for module in net.modules():
        for name, parameter in module.named_parameters(recurse=False):
            assert reached[id(parameter)] == (1e-4 if decayed(module, name) else 0.0)


def decay_of(net, decay, optimiser="sgd"):
    spec = with_changes(RunSpec(), {"recipe.decay": decay, "recipe.optimiser": optimiser})
    return {id(p): group["weight_decay"] for group in make_optimiser(net, spec).param_groups for p in group["params"]}


def test_depthwise_filters_can_be_spared():
    """MobileNet has 13 of them; its pointwise convolutions, stem and classifier decay."""
    net = nets.build("mobilenet", width=0.25)
    reached = decay_of(net, "not_depthwise")
    decayed = {name for name, p in net.named_parameters() if reached[id(p)] > 0}
    spared = {name for name, _ in net.named_parameters() if name.endswith("conv_dw.weight")}
    assert len(spared) == 13
    assert decayed == {name for name, p in net.named_parameters() if p.ndim > 1} - spared


def test_a_grouped_convolution_is_not_depthwise():
    net = nets.build("alexnet_2012", num_classes=2)
    reached = decay_of(net, "not_depthwise")
    assert all(reached[id(p)] > 0 for p in net.parameters() if p.ndim > 1)


GRADIENTS = torch.tensor([[1.0, -2.0], [0.5, 3.0], [-4.0, 0.0]], dtype=torch.float64)


def test_rmsprop_is_tensorflows_formula():
    """In plain numbers, step by step; the rate falls on the way, and old velocity keeps the rate it was made with."""
    w = nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))
    optimiser = RMSProp([{"params": [w], "weight_decay": 0.1}], lr=0.5, momentum=0.9, decay=0.8, eps=1.0)
    value, square, velocity = [1.0, 2.0], [1.0, 1.0], [0.0, 0.0]
    for lr, gradient in zip((0.5, 0.5, 0.05), GRADIENTS, strict=True):
        optimiser.param_groups[0]["lr"] = lr
        w.grad = gradient.clone()
        optimiser.step()
        for i in range(2):
            g = gradient[i].item() + 0.1 * value[i]
            square[i] = 0.8 * square[i] + 0.2 * g * g
            velocity[i] = 0.9 * velocity[i] + lr * g / (square[i] + 1.0) ** 0.5
            value[i] -= velocity[i]
        assert w.tolist() == pytest.approx(value, rel=1e-12)


def test_rmsprop_equals_timms():
    torch.manual_seed(0)
    ours, theirs = (nn.Parameter(torch.ones(5, 4)) for _ in range(2))
    mine = RMSProp([ours], lr=0.1, momentum=0.9, decay=0.9, eps=0.01, weight_decay=0.01)
    reference = RMSpropTF([theirs], lr=0.1, alpha=0.9, eps=0.01, weight_decay=0.01, momentum=0.9, lr_in_momentum=True)
    for step in range(6):
        for optimiser in (mine, reference):
            optimiser.param_groups[0]["lr"] = 0.1 if step < 3 else 0.01
        ours.grad = theirs.grad = torch.randn(5, 4)
        mine.step()
        reference.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)
    assert (ours - 1).abs().max() > 0.1


def test_the_recipe_reaches_the_optimiser():
    net = nn.Linear(2, 2)
    spec = with_changes(
        RunSpec(net=NetSpec("resnet8")),
        {"recipe.optimiser": "rmsprop", "recipe.rmsprop_decay": 0.7, "recipe.rmsprop_eps": 0.3, "recipe.momentum": 0.4},
    )
    optimiser = make_optimiser(net, spec)
    assert (optimiser.decay, optimiser.eps, optimiser.momentum) == (0.7, 0.3, 0.4)
