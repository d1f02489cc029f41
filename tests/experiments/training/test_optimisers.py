"""What decays, and RMSProp against its formula and against timm's."""

import pytest
import torch
from timm.optim import RMSpropTF
from torch import nn

import nets
from experiments.spec import NetSpec, Recipe, RunSpec, with_changes
from experiments.training.optimisers import OPTIMISERS, RMSProp, make_optimiser


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
@pytest.mark.parametrize("optimiser", OPTIMISERS)
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


def stepped(optimiser, steps=4):
    """A parameter after some steps of the recipe's optimiser under fixed gradients, and those gradients."""
    spec = RunSpec(recipe=Recipe(optimiser=optimiser, learning_rate=0.01, weight_decay=0.1, decay="all"))
    net = nn.Linear(3, 2, bias=False)
    start = torch.linspace(-1, 1, 6, dtype=torch.float32).reshape(2, 3)
    gradients = [torch.sin(start * (k + 2)) for k in range(steps)]
    with torch.no_grad():
        net.weight.copy_(start)
    made = make_optimiser(net, spec)
    for gradient in gradients:
        net.weight.grad = gradient.clone()
        made.step()
    return start.double(), [g.double() for g in gradients], net.weight.detach().double()


@pytest.mark.parametrize(("optimiser", "decoupled"), [("adam", False), ("adamw", True)])
def test_adam_is_its_papers_formula(optimiser, decoupled):
    """Kingma & Ba 2015, algorithm 1; Loshchilov & Hutter 2019, algorithm 2, decay apart from the moments."""
    weight, gradients, got = stepped(optimiser)
    m, v, lr, decay = torch.zeros_like(weight), torch.zeros_like(weight), 0.01, 0.1
    for t, g in enumerate(gradients, 1):
        g = g if decoupled else g + decay * weight
        weight = weight * (1 - lr * decay) if decoupled else weight
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        weight = weight - lr * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
    torch.testing.assert_close(got, weight, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("optimiser", "kind"), [("nadam", torch.optim.NAdam), ("radam", torch.optim.RAdam)])
def test_the_rest_are_pytorchs_with_decay_apart_from_the_gradient(optimiser, kind):
    weight, gradients, got = stepped(optimiser, steps=8)
    parameter = nn.Parameter(weight)
    twin = kind([parameter], lr=0.01, weight_decay=0.0)
    for gradient in gradients:
        with torch.no_grad():
            parameter.mul_(1 - 0.01 * 0.1)
        parameter.grad = gradient
        twin.step()
    torch.testing.assert_close(got, parameter.detach(), rtol=1e-5, atol=1e-6)
