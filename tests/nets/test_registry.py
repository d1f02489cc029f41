"""A user's own net by name, its options and its initial values; rows added to the tables of the families."""

from functools import partial

import pytest
import torch
from torch import nn

import nets
from nets import registry
from nets.layers import ACTIVATIONS
from nets.norms import NORMS
from nets.residual import ORDERS, Order
from nets.shortcuts import SHORTCUTS, Shortcut


class OwnNet(nn.Module):
    """Parameters and buffers of every kind that a family of `nets` does not draw."""

    def __init__(self, num_classes: int = 10, width: int = 4, gain: float = 0.5, dropout: float | None = None):
        super().__init__()
        self.mix = nn.Conv1d(1, width, 3, padding=1)
        self.places = nn.Embedding(5, width)
        self.offset = nn.Parameter(gain * torch.randn(width))
        self.register_buffer("signs", torch.randn(width).sign())
        self.dropout = nn.Dropout(dropout or 0.0)
        self.norm = nn.BatchNorm1d(width)
        nn.init.zeros_(self.norm.weight)
        self.fc = nn.Linear(width, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.mix(x.mean(1).flatten(1)[:, None]).mean(2)
        x = (x + self.places.weight.sum(0) + self.offset) * self.signs
        return self.fc(self.dropout(self.norm(x)))


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})


def test_a_class_is_a_net_whose_parameters_are_its_options():
    nets.register("own", OwnNet)
    assert nets.names()[-1] == "own"
    assert {name: option.default for name, option in nets.options_of("own").items()} == {
        "num_classes": 10, "in_channels": 3, "width": 4, "gain": 0.5, "dropout": None,
    }  # fmt: skip
    net = nets.build("own", num_classes=7, in_channels=1, width=6)  # in_channels goes to those that take it
    assert (type(net), net.fc.in_features, net(torch.randn(2, 1, 4, 4)).shape) == (OwnNet, 6, (2, 7))


def test_register_is_a_decorator_for_classes_functions_and_presets():
    @nets.register("linear")
    def linear(num_classes=2, in_channels=3, *, bias=True):
        return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * 16, num_classes, bias=bias))

    nets.register("no_bias", partial(linear, bias=False))
    assert nets.build("linear", in_channels=1)[1].bias is not None
    assert nets.build("no_bias", in_channels=1)[1].bias is None
    assert linear(4, 1)[1].out_features == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widht": 3}, "own has no option 'widht'; it has num_classes, in_channels, width, gain, dropout"),
        ({"width": "wide"}, "own: width cannot be 'wide'; it takes a whole number"),
        ({"gain": float("inf")}, "own: gain cannot be inf; it takes a number"),
        ({"dropout": "half"}, "own: dropout cannot be 'half'; it takes a number or None"),
        ({"num_classes": 0}, "own: num_classes cannot be 0; it takes a whole number, 1 or more"),
        ({"width": -1}, r"own cannot be built: RuntimeError: .* \(.*, line \d+\)"),
    ],
)
def test_a_wrong_option_is_one_line(options, message):
    nets.register("own", OwnNet)
    with pytest.raises(ValueError, match=message) as caught:
        nets.build("own", **options)
    assert "\n" not in str(caught.value)


def test_a_name_belongs_to_one_net():
    nets.register("own", OwnNet)
    assert nets.register("own", OwnNet) is OwnNet

    class Other(nn.Module):
        pass

    for name in ("own", "resnet110"):
        with pytest.raises(ValueError, match=f"there is a net '{name}' already"):
            nets.register(name, Other)


def test_a_file_that_runs_again_registers_its_net_again(tmp_path):
    file = tmp_path / "mine.py"
    source = (
        "import nets\nfrom torch import nn\n"
        "@nets.register('mine')\n"
        "class Mine(nn.Linear):\n"
        "    def __init__(self, in_channels=3, num_classes=2): super().__init__(in_channels, num_classes)\n"
    )
    for _ in range(2):
        exec(compile(source, file, "exec"), {"__name__": "users_mine"})
    assert nets.build("mine").out_features == 2
    with pytest.raises(ValueError, match="there is a net 'mine' already"):
        exec(compile(source, tmp_path / "other.py", "exec"), {"__name__": "users_mine"})


def test_what_is_not_a_net_is_refused():
    with pytest.raises(ValueError, match="bad: its parameter 'depth' needs a default value"):
        nets.register("bad", lambda depth: nn.Identity())
    nets.register("bad", lambda: "net")
    with pytest.raises(ValueError, match=r"bad cannot be built: a str is not a torch\.nn\.Module"):
        nets.build("bad")


def test_a_net_without_a_rule_keeps_the_values_of_its_constructor():
    """Every draw comes from PyTorch's global stream, so the same seed gives the same net."""
    nets.register("own", OwnNet)
    torch.manual_seed(3)
    by_hand = OwnNet().state_dict()
    torch.manual_seed(3)
    net = nets.build("own")
    nets.initialise(net, lambda name: torch.Generator().manual_seed(1))
    assert all(torch.equal(value, by_hand[name]) for name, value in net.state_dict().items())
    torch.manual_seed(4)
    assert not torch.equal(nets.build("own").state_dict()["offset"], by_hand["offset"])


def test_an_explicit_rule_draws_convolutions_and_linear_layers_alone():
    net = OwnNet()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    nets.initialise(net, rule="he_fan_in")
    changed = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"mix.weight", "mix.bias", "fc.weight", "fc.bias"}
    with pytest.raises(ValueError, match=r"unknown init 'he'; choose from he_fan_out, .*, torch"):
        nets.initialise(net, rule="he")


class Halved(Shortcut):
    def forward(self, x, residual):
        return (self.resize(x) + residual) / 2


def test_new_rows_of_the_tables_are_valid_at_once(monkeypatch):
    monkeypatch.setitem(SHORTCUTS, "halved", Halved)
    monkeypatch.setitem(ORDERS, "no_relu", Order(lead="", between="b", tail="b", after=""))
    monkeypatch.setitem(ACTIVATIONS, "softplus", nn.Softplus)
    monkeypatch.setitem(NORMS, "affine_free", lambda channels, groups, eps: nn.BatchNorm2d(channels, eps, affine=False))
    net = nets.build("resnet8", shortcut="halved", order="no_relu", activation="softplus", norm="affine_free")
    assert isinstance(net.stage1[0].shortcut, Halved)
    assert not hasattr(net.stage1[0], "relu1")
    assert net(torch.randn(2, 3, 8, 8)).isfinite().all()
    assert nets.build("lenet5", activation="softplus").features.f1.beta == 1
    with pytest.raises(ValueError, match=r"it takes identity, scaled, .*, halved"):
        nets.build("resnet8", shortcut="third")
