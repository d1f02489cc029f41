"""Every shortcut against its formula in He et al. 2016, Figure 2 and Table 1."""

import pytest
import torch
import torch.nn.functional as F

from nets import initialise
from nets.downsampling import Geometry
from nets.shortcuts import ShortcutSpec, make_shortcut

SAME = Geometry(4, 4, 1, projection_bn=True)
DOWN = Geometry(3, 6, 2, projection_bn=True)


def built(geometry, **options):
    torch.manual_seed(0)
    shortcut = make_shortcut(geometry, ShortcutSpec(**options))
    initialise(shortcut, rule="he_fan_out")
    return shortcut.double()


def operands(geometry):
    side = 8 // geometry.stride
    x = torch.randn(2, geometry.in_channels, 8, 8, dtype=torch.float64)
    return x, torch.randn(2, geometry.out_channels, side, side, dtype=torch.float64)


def pad_a(x, geometry):
    """Option A: every second pixel, zero channels appended."""
    small = x[:, :, :: geometry.stride, :: geometry.stride]
    extra = geometry.out_channels - geometry.in_channels
    return torch.cat([small, small.new_zeros(len(x), extra, *small.shape[2:])], 1)


@pytest.mark.parametrize("geometry", [SAME, DOWN])
def test_parameter_free_shortcuts(geometry):
    x, f = operands(geometry)
    resized = pad_a(x, geometry)
    assert torch.equal(built(geometry)(x, f), resized + f)
    assert torch.equal(built(geometry, shortcut="none")(x, f), f)
    scaled = built(geometry, shortcut="scaled", shortcut_scale=0.5, residual_scale=0.25)
    assert torch.equal(scaled(x, f), 0.5 * resized + 0.25 * f)


@pytest.mark.parametrize("geometry", [SAME, DOWN])
def test_gates(geometry):
    """g = sigmoid(W x + b); exclusive (1 - g) x + g F; shortcut-only (1 - g) x + F."""
    x, f = operands(geometry)
    for name, join in (
        ("exclusive_gate", lambda g, a: (1 - g) * a + g * f),
        ("shortcut_gate", lambda g, a: (1 - g) * a + f),
    ):
        shortcut = built(geometry, shortcut=name, gate_bias=-2.0)
        conv = shortcut.gate.conv
        g = torch.sigmoid(F.conv2d(x, conv.weight, conv.bias, geometry.stride))
        torch.testing.assert_close(shortcut(x, f), join(g, pad_a(x, geometry)))
        assert torch.equal(conv.bias, torch.full_like(conv.bias, -2.0))
        assert conv.weight.std() > 0


def test_a_very_negative_gate_bias_leaves_the_identity():
    """Direction of the gate: b_g to minus infinity gives g = 0, so x + F for the shortcut-only gate, else x alone."""
    x, f = operands(SAME)
    torch.testing.assert_close(built(SAME, shortcut="shortcut_gate", gate_bias=-60.0)(x, f), x + f)
    torch.testing.assert_close(built(SAME, shortcut="exclusive_gate", gate_bias=-60.0)(x, f), x)


def test_a_gate_that_reads_the_resized_input():
    x, f = operands(DOWN)
    shortcut = built(DOWN, shortcut="shortcut_gate", gate_reads="resized", gate_bias=0.0)
    resized = pad_a(x, DOWN)
    g = torch.sigmoid(F.conv2d(resized, shortcut.gate.conv.weight, shortcut.gate.conv.bias))
    torch.testing.assert_close(shortcut(x, f), (1 - g) * resized + f)


@pytest.mark.parametrize("geometry", [SAME, DOWN])
def test_conv1x1_with_and_without_bn(geometry):
    x, f = operands(geometry)
    bare = built(geometry, shortcut="conv1x1", conv1x1_bn=False)
    torch.testing.assert_close(bare(x, f), F.conv2d(x, bare.project.conv.weight, None, geometry.stride) + f)
    normed = built(geometry, shortcut="conv1x1")
    h = F.conv2d(x, normed.project.conv.weight, None, geometry.stride)
    torch.testing.assert_close(normed(x, f), F.batch_norm(h, None, None, training=True) + f)


@pytest.mark.parametrize(("scaling", "expected"), [("plain", 0.5), ("inverted", 1.0)])
def test_dropout_keeps_its_expected_scale_in_training_and_evaluation(scaling, expected):
    """The paper's text: an expected scale of 0.5 (plain); PyTorch's own rescaling keeps 1."""
    shortcut = built(SAME, shortcut="dropout", dropout_scaling=scaling)
    x, f = torch.ones(64, 4, 32, 32, dtype=torch.float64), torch.zeros(64, 4, 32, 32, dtype=torch.float64)
    trained = shortcut(x, f)
    assert set(trained.unique().tolist()) == {0.0, 2 * expected}
    assert abs(trained.mean().item() - expected) < 0.01
    shortcut.eval()
    assert torch.equal(shortcut(x, f), expected * x)


def test_projections_are_where_the_option_says():
    """He et al. 2015, section 3.3: A none, B where the size changes, C everywhere."""
    for option, here, there in (("A", 0, 0), ("B", 0, 3 * 6), ("C", 4 * 4, 3 * 6)):
        for geometry, weights in ((SAME, here), (DOWN, there)):
            shortcut = built(geometry, downsample=option)
            assert sum(p.numel() for p in shortcut.parameters() if p.ndim == 4) == weights


def test_variants_may_leave_the_units_that_change_size_alone():
    x, f = operands(DOWN)
    shortcut = built(DOWN, shortcut="scaled", shortcut_scale=0.5, shortcut_units="same_size")
    assert torch.equal(shortcut(x, f), pad_a(x, DOWN) + f)


def test_option_a_cannot_reduce_the_channels():
    with pytest.raises(ValueError, match="downsample A cannot reduce"):
        make_shortcut(Geometry(8, 4, 1, True), ShortcutSpec())
