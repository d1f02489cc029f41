"""Shortcuts of a residual unit: He et al. 2016, Figure 2 and Table 1, and what came after them.

Every class joins the unit's input x with its branch F: `forward(x, residual)` returns the sum. R(x) is x,
resized to the branch by the option `downsample` where the two differ (nets/downsampling.py).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import nn

from nets.downsampling import Downsample, Geometry, make_resize
from nets.initialisation import starting_from
from nets.options import OneOf, Positive, Probability


class Shortcut(nn.Module):
    """R(x) + F: the identity shortcut, Figure 2(a)."""

    def __init__(self, geometry: Geometry, spec: ShortcutSpec) -> None:
        super().__init__()
        self.resize = make_resize(geometry, spec.downsample)

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return self.resize(x) + residual


class Scaled(Shortcut):
    """s R(x) + r F with constants s (shortcut_scale) and r (residual_scale): Figure 2(b)."""

    def __init__(self, geometry: Geometry, spec: ShortcutSpec) -> None:
        super().__init__(geometry, spec)
        self.shortcut_scale, self.residual_scale = spec.shortcut_scale, spec.residual_scale

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return self.shortcut_scale * self.resize(x) + self.residual_scale * residual


class Gated(Shortcut):
    """Shortcuts with a gate g(x) = sigmoid(W_g x + b_g), W_g a 1x1 convolution, b_g starting at gate_bias.

    The paper does not give the initial W_g (here: by the net's own rule), nor whether BN follows it (here: no).
    """

    def __init__(self, geometry: Geometry, spec: ShortcutSpec) -> None:
        super().__init__(geometry, spec)
        self.reads_resized = spec.gate_reads == "resized"
        out = geometry.out_channels
        seen = Geometry(out, out, 1, False, geometry.norm) if self.reads_resized else geometry
        self.gate = self.make_gate(seen, spec.gate_bias)

    def make_gate(self, geometry: Geometry, bias: float) -> nn.Sequential:
        gate = geometry.conv1x1(normalised=False, bias=True)
        starting_from(gate.get_submodule("conv"), bias_init=bias)
        return gate

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        resized = self.resize(x)
        gate = torch.sigmoid(self.gate(resized if self.reads_resized else x))
        return self.join(gate, resized, residual)

    def join(self, gate: torch.Tensor, resized: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError


class ExclusiveGate(Gated):
    """(1 - g) R(x) + g F: Figure 2(c)."""

    def join(self, gate: torch.Tensor, resized: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return (1 - gate) * resized + gate * residual


class ShortcutGate(Gated):
    """(1 - g) R(x) + F: Figure 2(d)."""

    def join(self, gate: torch.Tensor, resized: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return (1 - gate) * resized + residual


class Highway(ExclusiveGate):
    """(1 - g) R(x) + g F with g = sigmoid(bn(conv3x3(relu(bn(conv3x3(x)))))), gate_bias on the last BN.

    Srivastava's design in highway-resnet-comparison; that net also ends F with ReLU (order relu_before_add), has
    projections (downsample B) and is narrower (width 0.875).
    """

    def make_gate(self, geometry: Geometry, bias: float) -> nn.Sequential:
        out, biased = geometry.out_channels, not geometry.norm.normalises
        layers = OrderedDict(
            conv1=nn.Conv2d(geometry.in_channels, out, 3, geometry.stride, 1, bias=biased),
            bn1=geometry.norm.layer(out),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(out, out, 3, 1, 1, bias=biased),
            bn2=geometry.norm.layer(out),
        )
        starting_from(layers["conv2" if biased else "bn2"], bias_init=bias)
        return nn.Sequential(layers)


class Conv1x1(nn.Module):
    """W_s x + F, a 1x1 convolution on every unit's shortcut: Figure 2(e). It also changes the size."""

    def __init__(self, geometry: Geometry, spec: ShortcutSpec) -> None:
        super().__init__()
        self.project = geometry.conv1x1(normalised=spec.conv1x1_bn)

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return self.project(x) + residual


class Dropout(Shortcut):
    """dropout(R(x)) + F: Figure 2(f).

    "plain": values are dropped in training and multiplied by 1 - p in evaluation, so the expected scale of the
    shortcut is 1 - p in both; "inverted" (as in PyTorch): divided by 1 - p in training, so that it is 1.
    """

    def __init__(self, geometry: Geometry, spec: ShortcutSpec) -> None:
        super().__init__(geometry, spec)
        self.dropout = nn.Dropout(spec.shortcut_dropout)
        self.scale = 1 - spec.shortcut_dropout if spec.dropout_scaling == "plain" else 1.0

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return self.scale * self.dropout(self.resize(x)) + residual


class ReZero(Shortcut):
    """R(x) + a F, with one trained number a per unit that starts at 0 (Bachlechner et al. 2020, 2003.04887)."""

    def __init__(self, geometry: Geometry, spec: ShortcutSpec) -> None:
        super().__init__(geometry, spec)
        self.scale = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return self.resize(x) + self.scale.view(-1, 1, 1) * residual


class LayerScale(ReZero):
    """R(x) + g F, with one trained number g per channel, initially `layer_scale` (Touvron et al. 2021, 2103.17239)."""

    def __init__(self, geometry: Geometry, spec: ShortcutSpec) -> None:
        super().__init__(geometry, spec)
        self.scale = nn.Parameter(torch.full((geometry.out_channels,), spec.layer_scale))


class NoShortcut(nn.Module):
    """F alone: the plain net."""

    def __init__(self, geometry: Geometry, spec: ShortcutSpec) -> None:
        super().__init__()

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return residual


SHORTCUTS: dict[str, Callable[[Geometry, ShortcutSpec], nn.Module]] = {
    "identity": Shortcut,
    "scaled": Scaled,
    "exclusive_gate": ExclusiveGate,
    "shortcut_gate": ShortcutGate,
    "conv1x1": Conv1x1,
    "dropout": Dropout,
    "none": NoShortcut,
    "highway": Highway,
    "rezero": ReZero,
    "layer_scale": LayerScale,
}
ShortcutName = Annotated[str, OneOf(SHORTCUTS)]


@dataclass(frozen=True)
class ShortcutSpec:
    """The options of a shortcut. Where He et al. 2016 leave something open, the default is the first of two choices."""

    shortcut: ShortcutName = "identity"
    downsample: Downsample = "A"
    shortcut_scale: float = 1.0
    residual_scale: float = 1.0
    gate_bias: float = -6.0
    gate_reads: Literal["unit_input", "resized"] = "unit_input"  # before or after the change of size
    conv1x1_bn: bool = True  # "BN right after the weight layers" (caption of Figure 2)
    shortcut_dropout: Probability = 0.5
    dropout_scaling: Literal["plain", "inverted"] = "plain"  # plain: the text's "expected scale of 0.5"
    shortcut_units: Literal["all", "same_size"] = "all"  # "same_size": units that change size keep R(x) + F
    layer_scale: Positive = 1e-5  # initial value; Touvron et al. 2021 have 0.1 to 1e-6, by depth


def make_shortcut(geometry: Geometry, spec: ShortcutSpec) -> nn.Module:
    """The shortcut of one unit."""
    plain = spec.shortcut_units == "same_size" and geometry.changes_size
    return SHORTCUTS["identity" if plain else spec.shortcut](geometry, spec)
