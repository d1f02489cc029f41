"""AlexNet: the paper's sizes, counts, two towers and initial values; torchvision's one tower; the nets for 32x32."""

import re
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import nets
from nets import cost
from nets.alexnet import LAYOUT_2012, LAYOUT_2014, NETS, alexnet
from nets.initialisation import initialise

IMAGENET, CIFAR = (3, 224, 224), (3, 32, 32)
SMALL_NETS = {
    "2012": replace(LAYOUT_2012, hidden=(24, 16)),
    "2014": replace(LAYOUT_2014, hidden=(24, 16)),
}


# torchvision's documentation (61,100,840); the rest are recounts layer by layer: kernel^2 x channels in / groups
# x channels out, times the positions of the map. For alexnet_2012 the paper says 60 million.
@pytest.mark.parametrize(
    ("name", "shape", "parameters", "multiply_adds"),
    [
        ("alexnet", IMAGENET, 61_100_840, 714_188_480),
        ("alexnet_2012", IMAGENET, 60_965_224, 724_406_816),
        ("alexnet_cifar", CIFAR, 4_864 + 102_464 + 36_928 + 18_464 + 20_490, 34_689_024),
        ("alexnet_fig1", CIFAR, 2_432 + 25_632 + 51_264 + 10_250, 12_298_240),
    ],
)
def test_counts(counts, name, shape, parameters, multiply_adds):
    assert counts(name, shape) == (parameters, multiply_adds)


def test_one_gpu_net_has_about_as_many_parameters(counts):
    """Section 3.2: half the kernels but in the last convolution, so that the two are of about one size."""
    halves = [96 // 2, 256 // 2, 384 // 2, 384 // 2, 256]
    kernels, inputs = [11, 5, 3, 3, 3], [3, *halves[:-1]]
    convs = sum(k * k * i * o + o for k, i, o in zip(kernels, inputs, halves, strict=True))
    fully_connected = 6 * 6 * 256 * 4096 + 4096 + 4096 * 4096 + 4096 + 4096 * 1000 + 1000
    parameters, _ = counts("alexnet_2012_one_gpu", IMAGENET)
    assert parameters == convs + fully_connected
    assert parameters == pytest.approx(counts("alexnet_2012", IMAGENET)[0], rel=0.02)


@pytest.mark.parametrize(("name", "depth"), [("alexnet_2012", 8), ("alexnet", 8), ("alexnet_fig1", 4)])
def test_weight_layers(on_meta, name, depth):
    """The 2012 paper: eight layers with weights; Figure 1 is of a four-layer net."""
    assert cost.weight_layers(on_meta(name)) == depth


@pytest.mark.parametrize(("pixels", "padding"), [(224, 2), (227, 0)])
def test_neurons_of_the_2012_net(on_meta, pixels, padding):
    """Section 3.5 counts them layer by layer, but 253,440 in conv1, where 55 x 55 x 96 are 290,400."""
    rows = cost.trace(on_meta("alexnet_2012", conv1_padding=padding), (3, pixels, pixels))
    neurons = [torch.Size(row.out_shape).numel() for row in rows if row.kind in ("Conv2d", "Linear")]
    assert neurons == [290_400, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]


@pytest.mark.parametrize("overlapping", [True, False])
@pytest.mark.parametrize(
    ("name", "shape", "maps"),
    [
        ("alexnet_2012", IMAGENET, [55, 27, 27, 13, 13, 13, 13, 6]),
        ("alexnet_cifar", CIFAR, [32, 16, 16, 8, 8, 8]),
        ("alexnet_fig1", CIFAR, [32, 16, 16, 8, 8, 4]),
    ],
)
def test_maps_are_equal_with_and_without_overlap(on_meta, name, shape, maps, overlapping):
    rows = cost.trace(on_meta(name, overlapping_pool=overlapping), shape)
    assert [row.out_shape[1] for row in rows if row.kind in ("Conv2d", "MaxPool2d", "AvgPool2d")] == maps


@pytest.mark.parametrize(("overlapping", "window"), [(True, 3), (False, 2)])
@pytest.mark.parametrize("name", NETS)
def test_pooling_windows(on_meta, name, overlapping, window):
    """Section 3.4: z = 3 and s = 2, against z = s = 2."""
    net = on_meta(name, overlapping_pool=overlapping)
    pools = [layer for layer in net.modules() if isinstance(layer, nn.MaxPool2d | nn.AvgPool2d)]
    assert len(pools) >= 2
    assert {(pool.kernel_size, pool.stride) for pool in pools} == {(window, 2)}


def layers(on_meta, name, shape, **options):
    names = " ".join(row.name.split(".")[-1] for row in cost.trace(on_meta(name, **options), shape))
    return re.sub(r" (act\d|resize)", "", names)


def test_order_of_layers(on_meta):
    """LRN after conv1 and conv2, before pooling (section 3.5); cuda-convnet's 11 % net pools first in conv1."""
    assert (
        layers(on_meta, "alexnet_2012", IMAGENET)
        == "conv1 lrn1 pool1 conv2 lrn2 pool2 conv3 conv4 conv5 pool5 fc6 dropout6 fc7 dropout7 fc8"
    )
    assert (
        layers(on_meta, "alexnet", IMAGENET)
        == "conv1 pool1 conv2 pool2 conv3 conv4 conv5 pool5 dropout6 fc6 dropout7 fc7 fc8"
    )
    cifar = "conv1 pool1 lrn1 conv2 lrn2 pool2 conv3 conv4 dropout5 fc5"
    assert layers(on_meta, "alexnet_cifar", CIFAR) == cifar
    assert layers(on_meta, "alexnet_cifar", CIFAR, lrn=False) == re.sub(r" lrn\d", "", cifar)
    assert layers(on_meta, "alexnet_cifar", CIFAR, without="conv3") == cifar.replace(" conv3", "")


def test_equals_torchvision(assert_equals_reference):
    """Convolutions at 224 pixels; the fully connected layers narrower, which in float64 saves 2 GB."""
    theirs = torchvision.models.alexnet(num_classes=5)
    theirs.classifier[1], theirs.classifier[4] = nn.Linear(9216, 24), nn.Linear(24, 16)
    theirs.classifier[6] = nn.Linear(16, 5)
    ours = alexnet(SMALL_NETS["2014"], **{**NETS["alexnet"].keywords, "num_classes": 5})
    assert_equals_reference(ours, theirs, torch.randn(2, *IMAGENET))


def test_shapes_of_torchvision_at_full_width(on_meta):
    with torch.device("meta"):
        theirs = torchvision.models.alexnet()
    assert [p.shape for p in on_meta("alexnet").parameters()] == [p.shape for p in theirs.parameters()]


def two_towers(weights, x):
    """The 2012 net in evaluation, from the paper's Figure 2: conv2, 4 and 5 read the maps of their own tower."""

    def conv(name, x, **geometry):
        return F.relu(F.conv2d(x, weights[f"features.{name}.weight"], weights[f"features.{name}.bias"], **geometry))

    def conv_in_towers(name, x, padding):
        w, b = weights[f"features.{name}.weight"], weights[f"features.{name}.bias"]
        halves = [
            F.conv2d(*tower, padding=padding) for tower in zip(x.chunk(2, 1), w.chunk(2), b.chunk(2), strict=True)
        ]
        return F.relu(torch.cat(halves, 1))

    def lrn(x):
        total = sum(F.pad(x**2, (0, 0, 0, 0, 2, 2))[:, i : i + x.shape[1]] for i in range(5))
        return x / (2 + 1e-4 * total) ** 0.75

    def fc(name, x):
        return F.linear(x, weights[f"classifier.{name}.weight"], weights[f"classifier.{name}.bias"])

    x = F.max_pool2d(lrn(conv("conv1", x, stride=4, padding=2)), 3, 2)
    x = F.max_pool2d(lrn(conv_in_towers("conv2", x, 2)), 3, 2)
    x = conv_in_towers("conv4", conv("conv3", x, padding=1), 1)
    x = F.max_pool2d(conv_in_towers("conv5", x, 1), 3, 2).flatten(1)
    x = 0.5 * F.relu(fc("fc6", x))
    return fc("fc8", 0.5 * F.relu(fc("fc7", x)))


def test_equals_the_papers_two_towers():
    net = alexnet(SMALL_NETS["2012"], num_classes=5)
    initialise(net, rule="he_fan_in")
    net, x = net.double().eval(), torch.randn(2, *IMAGENET, dtype=torch.double)
    weights = {name: p.detach().clone().requires_grad_() for name, p in net.named_parameters()}
    ours, paper = net(x), two_towers(weights, x)
    torch.testing.assert_close(ours, paper, rtol=1e-10, atol=1e-12)
    ours.square().sum().backward()
    paper.square().sum().backward()
    for name, p in net.named_parameters():
        torch.testing.assert_close(p.grad, weights[name].grad, rtol=1e-9, atol=1e-12)


def test_initial_values_of_the_2012_net():
    """Section 5: N(0, 0.01^2); biases 1 in conv2, conv4, conv5 and the hidden fully connected layers, else 0."""
    net = nets.build("alexnet_2012")
    parameters = dict(net.named_parameters())
    biases = {name.split(".")[1]: p for name, p in parameters.items() if name.endswith("bias")}
    ones = {name for name, bias in biases.items() if (bias == 1).all()}
    assert ones == {"conv2", "conv4", "conv5", "fc6", "fc7"}
    assert all((bias == 0).all() for name, bias in biases.items() if name not in ones)
    for name, p in parameters.items():
        if name.endswith("weight"):
            assert p.std().item() == pytest.approx(0.01, rel=0.02)
            assert abs(p.mean().item()) < 5 * 0.01 / p.numel() ** 0.5


@pytest.mark.parametrize(("scaling", "in_training", "in_evaluation"), [("plain", 1, 0.5), ("inverted", 2, 1)])
def test_scale_of_dropout(scaling, in_training, in_evaluation):
    """What is kept is multiplied by 1, and halved in evaluation (section 4.2); inverted dropout does neither."""
    net = alexnet(SMALL_NETS["2012"], num_classes=5, dropout_scaling=scaling)
    x = torch.ones(1000)
    kept = net.train().classifier.dropout6(x)
    assert set(kept.tolist()) == {0, in_training}
    assert 400 < kept.count_nonzero() < 600
    assert torch.equal(net.eval().classifier.dropout6(x), in_evaluation * x)


@pytest.mark.parametrize(("divide", "share"), [(False, 1), (True, 1 / 9)])
def test_alpha_of_the_cifar_net(divide, share):
    """A lone 30 with k = 1 and alpha = 0.001, or alpha / 9 as cuda-convnet has it."""
    x = torch.zeros(1, 64, 1, 1)
    x[0, 20] = 30
    out = nets.build("alexnet_cifar", lrn_divide_alpha=divide).features.lrn1(x)
    assert out[0, 20].item() == pytest.approx(30 / (1 + 0.001 * share * 900) ** 0.75)


@pytest.mark.parametrize("plan", SMALL_NETS)
@pytest.mark.parametrize("pixels", [64, 100])
def test_other_sizes_of_image_train_every_parameter(untrained, plan, pixels):
    net = alexnet(SMALL_NETS[plan], num_classes=5, dropout=0.0)
    initialise(net, rule="he_fan_in")
    assert untrained(net, torch.randn(4, 3, pixels, pixels)) == []


@pytest.mark.parametrize(
    ("name", "pixels"), [("alexnet", 63), ("alexnet_2012", 63), ("alexnet_cifar", 4), ("alexnet_fig1", 8)]
)
def test_smallest_image(on_meta, name, pixels):
    """A pooling window of 3 must fit into the last map that is pooled; a pixel less, and it does not."""
    net = on_meta(name)
    classes = nets.options_of(name)["num_classes"].default
    assert net(torch.empty(2, 3, pixels, pixels + 9, device="meta")).shape == (2, classes)
    with pytest.raises(RuntimeError, match="too small"):
        net(torch.empty(2, 3, pixels - 1, pixels - 1, device="meta"))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("alexnet", {"activation": "step"}, "it takes relu, prelu"),
        ("alexnet", {"lrn": "yes"}, "it takes True or False"),
        ("alexnet_cifar", {"without": "conv1"}, "it takes none, conv3, conv4"),
        ("alexnet_fig1", {"without": "conv3"}, "cannot be built without conv3; choose from none"),
    ],
)
def test_wrong_options_are_named(on_meta, name, options, message):
    with pytest.raises(ValueError, match=message):
        on_meta(name, **options)


def test_presets_share_their_options():
    assert len({tuple(nets.options_of(name)) for name in NETS}) == 1
