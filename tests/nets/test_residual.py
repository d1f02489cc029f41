"""Every order of the unit against its formula, written out from He et al. 2016, Figure 4 and the appendix."""

import pytest
import torch
import torch.nn.functional as F

from nets.residual import ORDERS, Conv, ResidualUnit, convolutions
from nets.shortcuts import ShortcutSpec

r = torch.relu

# c(i, x) is the i-th convolution, b(i, x) the i-th batch normalisation. `a` is what the shortcut reads.
BASIC = {
    "original": lambda x, a, c, b: r(a + b(2, c(2, r(b(1, c(1, x)))))),
    "bn_after_add": lambda x, a, c, b: r(b(2, a + c(2, r(b(1, c(1, x)))))),
    "relu_before_add": lambda x, a, c, b: a + r(b(2, c(2, r(b(1, c(1, x)))))),
    "relu_only_preact": lambda x, a, c, b: a + b(2, c(2, r(b(1, c(1, r(x)))))),
    "full_preact": lambda x, a, c, b: a + c(2, r(b(2, c(1, r(b(1, x)))))),
}
BOTTLENECK = {
    "original": lambda x, a, c, b: r(a + b(3, c(3, r(b(2, c(2, r(b(1, c(1, x))))))))),
    "bn_after_add": lambda x, a, c, b: r(b(3, a + c(3, r(b(2, c(2, r(b(1, c(1, x))))))))),
    "relu_before_add": lambda x, a, c, b: a + r(b(3, c(3, r(b(2, c(2, r(b(1, c(1, x))))))))),
    "relu_only_preact": lambda x, a, c, b: a + b(3, c(3, r(b(2, c(2, r(b(1, c(1, r(x))))))))),
    "full_preact": lambda x, a, c, b: a + c(3, r(b(3, c(2, r(b(2, c(1, r(b(1, x)))))))))
}  # fmt: skip
# The unit that changes size in a pre-activation net: one activation before both branches (resnet-pre-act.lua).
SHARED = {
    "relu_only_preact": lambda x, resize, c, b: resize(r(x)) + b(2, c(2, r(b(1, c(1, r(x)))))),
    "full_preact": lambda x, resize, c, b: resize(r(b(1, x))) + c(2, r(b(2, c(1, r(b(1, x)))))),
}
# The first unit of a net, whose input is activated before the split.
FIRST = {
    "relu_only_preact": lambda x, c, b: x + b(2, c(2, r(b(1, c(1, x))))),
    "full_preact": lambda x, c, b: x + c(2, r(b(2, c(1, x)))),
}


def functional(unit: ResidualUnit):
    """c(i, x) and b(i, x) on the unit's parameters, with batch statistics."""

    def c(i, x):
        layer = getattr(unit, f"conv{i}")
        return F.conv2d(x, layer.weight, None, layer.stride, layer.weight.shape[-1] // 2)

    def b(i, x):
        layer = getattr(unit, f"bn{i}")
        mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
        shape = (1, -1, 1, 1)
        return (x - mean) / (var + 1e-5).sqrt() * layer.weight.view(shape) + layer.bias.view(shape)

    return c, b


def randomised(unit: ResidualUnit) -> ResidualUnit:
    generator = torch.Generator().manual_seed(1)
    for parameter in unit.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.5
    return unit.double()


def assert_same(unit: ResidualUnit, formula) -> None:
    """Outputs, and gradients with respect to the input and every parameter, agree to float64 rounding."""
    x = torch.randn(3, unit_in(unit), 6, 6, dtype=torch.float64, requires_grad=True)
    ours, theirs = unit(x), formula(x)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
    weights = torch.randn_like(ours)
    wanted = [x, *unit.parameters()]
    ours_grad = torch.autograd.grad((ours * weights).sum(), wanted)
    theirs_grad = torch.autograd.grad((theirs * weights).sum(), wanted)
    for mine, reference in zip(ours_grad, theirs_grad, strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-8, atol=1e-8)
        assert reference.abs().max() > 0


def unit_in(unit: ResidualUnit) -> int:
    return unit.conv1.in_channels


@pytest.mark.parametrize("order", ORDERS)
def test_basic_unit_is_the_papers_formula(order):
    unit = randomised(ResidualUnit(4, convolutions("basic", 4, 1), ORDERS[order], ShortcutSpec()))
    c, b = functional(unit)
    assert_same(unit, lambda x: BASIC[order](x, x, c, b))


@pytest.mark.parametrize("order", ORDERS)
def test_bottleneck_unit_is_the_papers_formula(order):
    unit = randomised(ResidualUnit(8, convolutions("bottleneck", 2, 1), ORDERS[order], ShortcutSpec()))
    c, b = functional(unit)
    assert_same(unit, lambda x: BOTTLENECK[order](x, x, c, b))


@pytest.mark.parametrize("order", ["original", "bn_after_add", "relu_before_add"])
def test_a_unit_that_changes_size_reads_its_raw_input_without_pre_activation(order):
    unit = randomised(ResidualUnit(3, convolutions("basic", 5, 2), ORDERS[order], ShortcutSpec(), lead="both"))
    c, b = functional(unit)
    assert_same(unit, lambda x: BASIC[order](x, option_a(x), c, b))


@pytest.mark.parametrize("order", SHARED)
def test_a_unit_that_changes_size_shares_its_pre_activation(order):
    unit = randomised(ResidualUnit(3, convolutions("basic", 5, 2), ORDERS[order], ShortcutSpec(), lead="both"))
    c, b = functional(unit)
    assert_same(unit, lambda x: SHARED[order](x, option_a, c, b))


@pytest.mark.parametrize("order", FIRST)
def test_the_first_unit_has_no_pre_activation_of_its_own(order):
    unit = randomised(ResidualUnit(4, convolutions("basic", 4, 1), ORDERS[order], ShortcutSpec(), lead="none"))
    c, b = functional(unit)
    assert_same(unit, lambda x: FIRST[order](x, c, b))


def option_a(x):
    """Every second pixel, two zero channels after the three of x."""
    small = x[:, :, ::2, ::2]
    return torch.cat([small, torch.zeros(x.shape[0], 2, *small.shape[2:], dtype=x.dtype)], 1)


def test_all_orders_have_the_same_layers():
    """Table 2 moves layers and adds none."""
    parameters = {
        order: sorted(
            (name, tuple(p.shape))
            for name, p in ResidualUnit(4, convolutions("basic", 4, 1), row, ShortcutSpec()).named_parameters()
        )
        for order, row in ORDERS.items()
    }
    assert len({str(rows) for rows in parameters.values()}) == 1


def test_bottleneck_stride_is_on_the_named_convolution():
    """The paper strides the first 1x1, v1.5 the 3x3 (protocols of the two ResNet-50s)."""
    assert convolutions("bottleneck", 8, 2, "1x1") == (Conv(1, 8, 2), Conv(3, 8), Conv(1, 32))
    assert convolutions("bottleneck", 8, 2, "3x3") == (Conv(1, 8), Conv(3, 8, 2), Conv(1, 32))
