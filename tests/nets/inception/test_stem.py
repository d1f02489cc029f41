"""The stems: order of layers, LRN's formula, the separable first layer."""

import pytest
import torch
import torch.nn.functional as F

from nets import cost
from nets.inception.modules import Style
from nets.inception.stem import SmallStem, Stem
from nets.norms import NormSpec


def kinds(stem, shape) -> list[str]:
    return [row.kind for row in cost.trace(stem, shape) if row.kind != "Identity"]


def test_order_of_layers_in_figure_3():
    """GoogLeNet: LRN after the first pooling and before the second; 28x28x192 for 224x224."""
    stem = Stem(3, Style(norm=NormSpec("none")), lrn=True, first_conv="dense", width=1.0)
    conv, pool, lrn = ["Conv2d", "ReLU"], ["MaxPool2d"], ["LocalResponseNorm"]
    assert kinds(stem, (3, 224, 224)) == [*conv, *pool, *lrn, *conv, *conv, *lrn, *pool]
    assert cost.trace(stem, (3, 224, 224))[-1].out_shape == (192, 28, 28)


@pytest.mark.parametrize(("lrn", "norm"), [(False, "batch"), (False, "none"), (True, "none")])
def test_norms_are_left_out_where_not_asked_for(lrn, norm):
    batch_norms, style = int(norm == "batch"), Style(norm=NormSpec(norm))
    layers = kinds(Stem(3, style, lrn, "dense", 1.0), (3, 64, 64))
    assert layers.count("LocalResponseNorm") == 2 * lrn
    assert layers.count("BatchNorm2d") == 3 * batch_norms
    small = kinds(SmallStem(3, style, lrn, "dense", 1.0), (3, 32, 32))
    assert small == ["Conv2d", *["BatchNorm2d"] * batch_norms, "ReLU", *["LocalResponseNorm"] * lrn]


def test_lrn_is_caffes_formula():
    """b_i = a_i / (1 + 1e-4 / 5 * sum over |j - i| <= 2 of a_j^2)^0.75."""
    norm = Stem(3, Style(norm=NormSpec("none")), True, "dense", 1.0).norm1
    a = 100 * torch.randn(2, 7, 3, 3, dtype=torch.float64)
    sums = torch.stack([a[:, max(0, i - 2) : i + 3].square().sum(1) for i in range(7)], 1)
    torch.testing.assert_close(norm(a), a / (1 + 1e-4 / 5 * sums) ** 0.75)


def test_poolings_reach_over_the_edge():
    """113 -> 57 -> 28 pixels in the convolution and first pooling, as Caffe rounds up."""
    stem = Stem(1, Style(), False, "dense", 1.0)
    shapes = {row.name: row.out_shape[1:] for row in cost.trace(stem, (1, 114, 113)) if row.kind == "MaxPool2d"}
    assert shapes == {"pool1": (28, 28), "pool2": (14, 14)}
    ramp = torch.arange(6.0).expand(1, 1, 6, 6)
    assert stem.pool1(ramp)[0, 0, 0].tolist() == [2, 4, 5]


def test_separable_layer_is_eight_filters_per_channel_then_1x1():
    layer = Stem(3, Style(bn_eps=1e-3), False, "separable", 1.0).conv1.double().eval()
    x = torch.randn(2, 3, 21, 21, dtype=torch.float64)
    weight = layer.depthwise.weight.view(3, 8, 7, 7)
    each = torch.cat([F.conv2d(x[:, c : c + 1], weight[c][:, None], stride=2, padding=3) for c in range(3)], 1)
    mixed = torch.einsum("oc,nchw->nohw", layer.pointwise.conv.weight[:, :, 0, 0], each)
    torch.testing.assert_close(layer(x), (mixed / 1.001**0.5).clamp(min=0))
