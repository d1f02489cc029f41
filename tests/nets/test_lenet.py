"""LeNet-5 as the paper counts it, layer by layer; the tutorials' LeNet and the lectures' net from their text."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import nets
from nets import cost
from nets.lenet import C3_TABLE, RBF, ScaledTanh, SparseConv, Subsampling

MNIST, PADDED = (1, 28, 28), (1, 32, 32)


def test_trainable_parameters_of_lenet5():
    """LeCun et al. 1998, section II-B: 60,000 in all, and each layer's."""
    net = nets.build("lenet5")
    assert cost.parameters(net) == 60_000
    layers = {**dict(net.features.named_children()), **dict(net.classifier.named_children())}
    sizes = {name: sum(p.numel() for p in layer.parameters()) for name, layer in layers.items()}
    assert {name: size for name, size in sizes.items() if size} == {
        "c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164,
    }  # fmt: skip


def test_connections_of_lenet5(on_meta):
    """The same section: 122,304, 5,880, 151,600, 2,000, 48,120 and 10,164; with the 840 of the output, 340,908."""
    connections = {}
    for row in cost.trace(on_meta("lenet5"), PADDED):
        layer = next(part for part in row.name.split(".") if part not in ("features", "classifier"))
        outputs = torch.Size(row.out_shape).numel()
        if row.multiply_adds:
            connections[layer] = connections.get(layer, 0) + row.multiply_adds + outputs
        elif row.kind == "Subsampling":
            connections[layer] = 5 * outputs  # four inputs and a bias
        elif row.kind == "RBF":
            connections[layer] = row.in_shape[0] * outputs
    assert connections == {
        "c1": 122_304, "s2": 5_880, "c3": 151_600, "s4": 2_000, "c5": 48_120, "f6": 10_164, "output": 840,
    }  # fmt: skip
    assert sum(connections.values()) == 340_908


@pytest.mark.parametrize(
    ("name", "shape", "options", "parameters", "multiply_adds"),
    [
        ("lenet5", PADDED, {}, 60_000, 117_600 + 150_000 + 48_000 + 10_080),
        ("lenet5", PADDED, {"c3": "full", "output": "linear"}, 60_000 + 900 + 850, 117_600 + 240_000 + 48_000 + 10_920),
        ("lenet5", PADDED, {"subsampling": "average"}, 60_000 - 44, 325_680),
        ("lenet", PADDED, {}, 61_706, 416_520),  # PyTorch's "Neural Networks" tutorial
        ("lenet", (3, 32, 32), {"in_channels": 3}, 62_006, 651_720),  # its "Training a Classifier"
        ("mnist_cnn", MNIST, {}, 8_490, 144_000 + 320_000 + 3_200),  # lecture 10
    ],
)
def test_counts(counts, name, shape, options, parameters, multiply_adds):
    assert counts(name, shape, **options) == (parameters, multiply_adds)


def test_c3_reads_what_the_table_says():
    """Six maps read three neighbours (cyclically), six four neighbours, three four others, one all: section II-B."""
    cyclic = [{(start + i) % 6 for i in range(size)} for size in (3, 4) for start in range(6)]
    assert {frozenset(row) for row in C3_TABLE[:6]} == {frozenset(row) for row in cyclic[:6]}
    assert {frozenset(row) for row in C3_TABLE[6:12]} == {frozenset(row) for row in cyclic[6:]}
    opposite_pairs = {frozenset(range(6)) - {a, a + 3} for a in range(3)}
    assert {frozenset(row) for row in C3_TABLE[12:15]} == opposite_pairs
    assert C3_TABLE[15] == (0, 1, 2, 3, 4, 5)
    readers = [sum(i in row for row in C3_TABLE) for i in range(6)]
    assert readers == [10] * 6  # 60 kernels of 25 weights and 16 biases: 1,516


def test_sparse_convolution_is_a_dense_one_with_zeros():
    layer, x = SparseConv(C3_TABLE, 5).double(), torch.randn(2, 6, 14, 14, dtype=torch.double)
    kernels = [kernel for conv in layer.convs for kernel in conv.weight]
    dense = torch.zeros(16, 6, 5, 5, dtype=torch.double)
    for i, (row, kernel) in enumerate(zip(C3_TABLE, kernels, strict=True)):
        for j, values in zip(row, kernel, strict=True):
            dense[i, j] = values
    bias = torch.cat([conv.bias for conv in layer.convs])
    torch.testing.assert_close(layer(x), F.conv2d(x, dense, bias), rtol=1e-12, atol=1e-12)


def test_subsampling_and_squash():
    """w (a + b + c + d) + bias on a square of four; f(1) = 1, f(-1) = -1, within +-1.7159 (appendix A)."""
    layer = Subsampling(2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([0.25, 3.0])[:, None, None])
        layer.bias.copy_(torch.tensor([0.0, -1.0])[:, None, None])
    x = torch.tensor([[1.0, 2.0], [3.0, 6.0]]).expand(1, 2, 2, 2)
    assert layer(x).flatten().tolist() == [3.0, 35.0]
    squashed = ScaledTanh()(torch.tensor([-1e3, -1.0, 0.0, 1.0, 1e3]))
    torch.testing.assert_close(squashed, torch.tensor([-1.7159, -1.0, 0.0, 1.0, 1.7159]), rtol=0, atol=1e-4)


def test_rbf_is_the_negative_squared_distance_to_fixed_codes():
    layer, x = RBF(84, 10), torch.randn(5, 84)
    torch.testing.assert_close(layer(x), -(torch.cdist(x, layer.codes) ** 2), rtol=1e-4, atol=1e-4)
    assert set(layer.codes.unique().tolist()) == {-1.0, 1.0}
    assert len(layer.codes.unique(dim=0)) == 10
    assert torch.equal(layer.codes, RBF(84, 10).codes)
    assert "codes" in layer.state_dict()
    assert not list(layer.parameters())


def lenet5_by_formula(p, x):
    """Section II-B, with the average of the four in S2 and S4 as at the start."""

    def f(a):
        return 1.7159 * torch.tanh(2 / 3 * a)

    x = f(F.conv2d(x, p["features.c1.weight"], p["features.c1.bias"]))
    x = f(F.avg_pool2d(x, 2))
    x = f(F.conv2d(x, p["features.c3.weight"], p["features.c3.bias"]))
    x = f(F.avg_pool2d(x, 2))
    x = f(F.linear(x.flatten(1), p["features.c5.weight"].flatten(1), p["features.c5.bias"]))
    x = f(F.linear(x, p["classifier.f6.weight"], p["classifier.f6.bias"]))
    return -(torch.cdist(x, p["classifier.output.codes"]) ** 2)


def lenet_by_tutorial(p, x):
    for i in (1, 2):
        conv = F.conv2d(x, p[f"features.conv{i}.weight"], p[f"features.conv{i}.bias"])
        x = F.max_pool2d(F.relu(conv), 2)
    x = x.flatten(1)
    for i in (1, 2):
        x = F.relu(F.linear(x, p[f"classifier.fc{i}.weight"], p[f"classifier.fc{i}.bias"]))
    return F.linear(x, p["classifier.fc3.weight"], p["classifier.fc3.bias"])


def mnist_cnn_by_lecture(p, x):
    for i in (1, 2):
        conv = F.conv2d(x, p[f"features.conv{i}.weight"], p[f"features.conv{i}.bias"])
        x = F.relu(F.max_pool2d(conv, 2))
    return F.linear(x.flatten(1), p["classifier.fc.weight"], p["classifier.fc.bias"])


@pytest.mark.parametrize(
    ("name", "options", "shape", "formula"),
    [
        ("lenet5", {"c3": "full"}, PADDED, lenet5_by_formula),
        ("lenet", {}, PADDED, lenet_by_tutorial),
        ("mnist_cnn", {}, MNIST, mnist_cnn_by_lecture),
    ],
)
def test_equals_its_text(name, options, shape, formula):
    net, images = nets.build(name, **options).double(), torch.randn(3, *shape, dtype=torch.double)
    state = {key: value.detach().clone().requires_grad_("codes" not in key) for key, value in net.state_dict().items()}
    ours, text = net(images), formula(state, images)
    torch.testing.assert_close(ours, text, rtol=1e-9, atol=1e-9)
    ours.square().sum().backward()
    text.square().sum().backward()
    for key, p in net.named_parameters():
        if state[key].grad is not None:  # the text's subsampling has no parameters
            torch.testing.assert_close(p.grad, state[key].grad, rtol=1e-7, atol=1e-9)
    compared = {key for key in state if state[key].grad is not None}
    assert {key for key, _ in net.named_parameters()} - compared <= {
        f"features.{layer}.{kind}" for layer in ("s2", "s4") for kind in ("weight", "bias")
    }


@pytest.mark.parametrize("name", ["lenet5", "lenet"])
def test_padding_puts_the_digit_into_the_papers_frame(name):
    """28x28 with two pixels of zeros on each side is 32x32."""
    net, padded = nets.build(name), nets.build(name, padding=2)
    padded.load_state_dict(net.state_dict())
    images = torch.randn(2, *MNIST)
    assert torch.equal(padded(images), net(F.pad(images, (2, 2, 2, 2))))


def test_initial_values_of_lenet5():
    """Section III-C: uniform to +-2.4 / fan-in, so of standard deviation 2.4 / fan-in / sqrt(3)."""
    net = nets.build("lenet5")
    for layer in (net.features.c5, net.classifier.f6):
        fan_in = layer.weight[0].numel()
        assert layer.weight.std().item() == pytest.approx(2.4 / fan_in / 3**0.5, rel=0.05)


def test_initial_values_of_the_tutorial_nets_are_pytorchs():
    """Uniform to +-1 / sqrt(fan-in), weights and biases."""
    for name in ("lenet", "mnist_cnn"):
        for layer in nets.build(name).modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                bound = layer.weight[0].numel() ** -0.5
                assert 0.9 * bound < layer.weight.abs().max() <= bound
                assert 0 < layer.bias.abs().max() <= bound


@pytest.mark.parametrize(
    ("name", "options", "shape"),
    [
        ("lenet5", {}, PADDED),
        ("lenet5", {"subsampling": "max", "c3": "full", "output": "linear", "activation": "relu"}, PADDED),
        ("lenet5", {"in_channels": 3, "num_classes": 26, "subsampling": "average"}, (3, 28, 40)),
        ("lenet5", {"padding": 12}, (1, 8, 8)),
        ("lenet", {"activation": "tanh"}, MNIST),
        ("mnist_cnn", {"activation": "sigmoid", "padding": 10}, (1, 8, 8)),
    ],
)
def test_variants(untrained, assert_keeps_logits, name, options, shape):
    torch.manual_seed(0)
    net, images = nets.build(name, **options), torch.randn(8, *shape)
    assert untrained(net, images) == []
    assert_keeps_logits(net, images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "step"}, "it takes relu, prelu, .*, scaled_tanh"),
        ({"output": "softmax"}, "it takes rbf, linear"),
        ({"c3": 16}, "it takes sparse, full"),
    ],
)
def test_wrong_options_are_named(on_meta, options, message):
    with pytest.raises(ValueError, match=message):
        on_meta("lenet5", **options)
