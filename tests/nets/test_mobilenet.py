"""MobileNet: the paper's Tables 1 to 9, and timm's net with the same weights."""

import pytest
import timm
import torch
from torch import nn

import nets
from nets import cost

FULL = {"convolution": "full"}

# Millions of multiply-adds and of parameters, as printed; the exact numbers are recounts from Table 1.
PUBLISHED = [
    ({}, 224, 569, 4.2, 4_231_976),  # Table 4
    (FULL, 224, 4866, 29.3, 29_294_088),
    ({"shallow": True}, 224, 307, 2.9, 2_887_976),  # Table 5
    ({"width": 0.75}, 224, 325, 2.6, 2_585_560),  # Table 6
    ({"width": 0.5}, 224, 149, 1.3, 1_331_592),
    ({"width": 0.25}, 224, 41, 0.5, 470_072),
    ({}, 192, 418, 4.2, 4_231_976),  # Table 7
    ({}, 160, 290, 4.2, 4_231_976),
    ({}, 128, 186, 4.2, 4_231_976),
    ({"width": 0.5}, 160, 76, 1.32, 1_331_592),  # Table 9
]


@pytest.mark.parametrize(("options", "pixels", "million_multiply_adds", "millions", "parameters"), PUBLISHED)
def test_published_counts(counts, options, pixels, million_multiply_adds, millions, parameters):
    """The table rounds some multiply-adds down (290.7 to 290, 149.5 to 149); 4866 is 4867.3 here, 0.03 % apart."""
    counted = counts("mobilenet", (3, pixels, pixels), **options)
    assert counted[0] == parameters
    assert counted[0] / 1e6 == pytest.approx(millions, abs=0.05)
    assert counted[1] / 1e6 == pytest.approx(million_multiply_adds, abs=max(1, 0.0003 * million_multiply_adds))


def test_exact_multiply_adds(counts):
    assert counts("mobilenet", (3, 224, 224))[1] == 568_740_352
    assert counts("mobilenet", (3, 224, 224), **FULL)[1] == 4_867_293_184


@pytest.mark.parametrize(("options", "layers"), [({}, 28), (FULL, 15), ({"shallow": True}, 18)])
def test_weight_layers(on_meta, options, layers):
    """Section 3.2: "counting depthwise and pointwise convolutions as separate layers, MobileNet has 28 layers"."""
    assert cost.weight_layers(on_meta("mobilenet", **options)) == layers


def kind(module):
    if isinstance(module, nn.Linear):
        return "fully connected"
    return "1x1" if module.kernel_size == (1, 1) else "depthwise" if module.groups > 1 else "3x3"


def test_shares_of_the_layer_types(on_meta):
    """Table 2, in percent. It prints 1.19 for the share of the 3x3 layer; its column then sums to 99.29, and 1.91 is
    what 10.8 of 568.7 million make."""
    net = on_meta("mobilenet")
    modules, work, size = dict(net.named_modules()), {}, {}
    for row in cost.trace(net, (3, 224, 224)):
        if row.multiply_adds:
            module = modules[row.name]
            work[kind(module)] = work.get(kind(module), 0) + row.multiply_adds
            size[kind(module)] = size.get(kind(module), 0) + module.weight.numel()
    shares = {name: round(100 * value / sum(work.values()), 2) for name, value in work.items()}
    assert shares == {"1x1": 94.86, "depthwise": 3.06, "3x3": 1.91, "fully connected": 0.18}
    shares = {name: round(100 * value / sum(size.values()), 2) for name, value in size.items()}
    assert shares == {"1x1": 74.59, "depthwise": 1.06, "3x3": 0.02, "fully connected": 24.33}


@pytest.mark.parametrize(
    ("options", "pixels", "millions", "million_parameters"),
    [
        (FULL, 224, 462, 2.36),
        ({}, 224, 52.3, 0.27),
        ({"width": 0.75}, 224, 29.6, 0.15),
        ({"width": 0.75}, 160, 15.1, 0.15),
    ],
)
def test_one_layer_of_512_channels(on_meta, options, pixels, millions, million_parameters):
    """Table 3: one 14x14x512 layer, cumulatively; rho = 0.714 is 160 pixels."""
    rows = cost.trace(on_meta("mobilenet", **options), (3, pixels, pixels))
    layer = [row for row in rows if row.name.startswith("units.unit8.conv")]
    assert sum(row.multiply_adds for row in layer) / 1e6 == pytest.approx(
        millions, abs=0.5 if millions == 462 else 0.05
    )
    assert sum(row.parameters for row in layer) / 1e6 == pytest.approx(million_parameters, abs=0.005)


@pytest.mark.parametrize(
    ("shape", "stem_stride", "sizes"),
    [
        ((3, 224, 224), 2, [112, 112, 56, 56, 28, 28, 14, 14, 14, 14, 14, 14, 7, 7]),  # Table 1, last stride corrected
        ((3, 32, 32), 1, [32, 32, 16, 16, 8, 8, 4, 4, 4, 4, 4, 4, 2, 2]),
    ],
)
@pytest.mark.parametrize("convolution", ["depthwise_separable", "full"])
def test_channels_and_maps(on_meta, shape, stem_stride, sizes, convolution):
    net, seen = on_meta("mobilenet", stem_stride=stem_stride, convolution=convolution), []
    for part in (net.stem, *net.units):
        part.register_forward_hook(lambda m, i, o: seen.append(tuple(o.shape[1:])))
    net(torch.empty(1, *shape, device="meta"))
    channels = [32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]
    assert seen == [(c, size, size) for c, size in zip(channels, sizes, strict=True)]


def test_order_of_a_unit(on_meta):
    """Figure 3: BN and ReLU after both convolutions; nothing after the last layer (section 3.2)."""
    kinds = [row.kind for row in cost.trace(on_meta("mobilenet"), (3, 32, 32))]
    assert kinds == ["Conv2d", "BatchNorm2d", "ReLU"] * 27 + ["Linear"]


def test_equals_timm(assert_equals_reference, on_meta):
    """timm has ReLU6; with ReLU in its place the nets are the same."""
    with torch.device("meta"):
        theirs = timm.create_model("mobilenetv1_100", act_layer="relu")
    assert_equals_reference(on_meta("mobilenet"), theirs, torch.randn(3, 3, 64, 64))


def test_initial_values():
    """He et al. 2015, equation 10: variance 2 / fan-in, where a depthwise weight reads 9 values."""
    unit = nets.build("mobilenet").units.unit13
    assert unit.conv_dw.weight.std().item() == pytest.approx((2 / 9) ** 0.5, rel=0.04)
    assert unit.conv_pw.weight.std().item() == pytest.approx((2 / 1024) ** 0.5, rel=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"convolution": "grouped"}, "it takes depthwise_separable, full"),
        ({"stem_stride": 4}, "it takes 1, 2"),
        ({"width": 0}, "width cannot be 0; it takes a number above 0"),
    ],
)
def test_wrong_options_are_named(on_meta, options, message):
    with pytest.raises(ValueError, match=message):
        on_meta("mobilenet", **options)
