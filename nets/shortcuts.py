"""What may stand on the shortcut of a residual unit (He et al. 2016, Figure 2 and Table 1).

Every class joins the unit's input x with its branch F: `forward(x, residual)` returns the sum. R(x) is x,
brought to the branch's size by downsampling option A, B or C where that differs (He et al. 2015, section 3.3).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

Downsample = Literal["A", "B", "C"]
ShortcutName = Literal["identity", "scaled", "exclusive_gate", "shortcut_gate", "conv1x1", "dropout", "none", "highway"]


@dataclass(frozen=True)
class ShortcutSpec:
    """The options of a shortcut. What He et al. 2016 leave open has its choice, and the other, here."""

    shortcut: ShortcutName = "identity"
    downsample: Downsample = "A"
    shortcut_scale: float = 1.0
    residual_scale: float = 1.0
    gate_bias: float = -6.0
    gate_reads: Literal["unit_input", "resized"] = "unit_input"  # ahead of or behind the change of size
    conv1x1_bn: bool = True  # "BN right after the weight layers" (caption of Figure 2)
    shortcut_dropout: float = 0.5
    dropout_scaling: Literal["plain", "inverted"] = "plain"  # the text's "expected scale of 0.5" is plain
    shortcut_units: Literal["all", "same_size"] = "all"  # "same_size": units that change size keep R(x) + F


@dataclass(frozen=True)
class Geometry:
    """Where a unit stands: channels in and out, stride, and whether its projection is followed by BN."""

    in_channels: int
    out_channels: int
    stride: int
    projection_bn: bool

    @property
    def changes_size(self) -> bool:
        return self.stride != 1 or self.in_channels != self.out_channels

    def conv1x1(self, bn: bool, *, bias: bool = False) -> nn.Sequential:
        """A 1x1 convolution from x to the branch's size, with or without BN."""
        conv = nn.Conv2d(self.in_channels, self.out_channels, 1, self.stride, bias=bias)
        layers = {"conv": conv, "bn": nn.BatchNorm2d(self.out_channels)} if bn else {"conv": conv}
        return nn.Sequential(OrderedDict(layers))


class Resize(nn.Module):
    """R(x) = x[every stride-th row and column], zero channels appended: downsampling option A, no parameters.

    Zeros stand behind the channels of x, as in fb.resnet.torch (others pad both sides).
    """

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.stride = geometry.stride
        self.zeros = geometry.out_channels - geometry.in_channels
        if self.zeros < 0:
            raise ValueError("downsample A cannot shrink the number of channels; use B or C")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.zeros))


def make_resize(geometry: Geometry, downsample: Downsample) -> nn.Module:
    """A: zero channels; B: a projection where the size changes; C: a projection in every unit."""
    if downsample == "C" or (downsample == "B" and geometry.changes_size):
        return geometry.conv1x1(bn=geometry.projection_bn)
    return Resize(geometry) if geometry.changes_size else nn.Identity()


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

    The paper says neither how W_g starts (here: by the net's own rule) nor whether BN follows it (here: no).
    """

    def __init__(self, geometry: Geometry, spec: ShortcutSpec) -> None:
        super().__init__(geometry, spec)
        self.reads_resized = spec.gate_reads == "resized"
        out = geometry.out_channels
        seen = Geometry(out, out, 1, False) if self.reads_resized else geometry
        self.gate = self.make_gate(seen, spec.gate_bias)

    def make_gate(self, geometry: Geometry, bias: float) -> nn.Sequential:
        gate = geometry.conv1x1(bn=False, bias=True)
        gate.conv.bias_init = bias
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

    Srivastava's design in highway-resnet-comparison, whose net also ends F with ReLU (order relu_before_add),
    projects (downsample B) and is narrower (width 0.875).
    """

    def make_gate(self, geometry: Geometry, bias: float) -> nn.Sequential:
        inner, out = geometry.in_channels, geometry.out_channels
        layers = OrderedDict(
            conv1=nn.Conv2d(inner, out, 3, geometry.stride, 1, bias=False),
            bn1=nn.BatchNorm2d(out),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(out, out, 3, 1, 1, bias=False),
            bn2=nn.BatchNorm2d(out),
        )
        layers["bn2"].bias_init = bias
        return nn.Sequential(layers)


class Conv1x1(nn.Module):
    """W_s x + F, a 1x1 convolution on every unit's shortcut: Figure 2(e). It also changes the size."""

    def __init__(self, geometry: Geometry, spec: ShortcutSpec) -> None:
        super().__init__()
        self.project = geometry.conv1x1(bn=spec.conv1x1_bn)

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return self.project(x) + residual


class Dropout(Shortcut):
    """dropout(R(x)) + F: Figure 2(f).

    "plain": values are dropped in training and multiplied by 1 - p in evaluation, so the shortcut's expected
    scale is 1 - p in both; "inverted" (PyTorch's own): divided by 1 - p in training, so that it is 1.
    """

    def __init__(self, geometry: Geometry, spec: ShortcutSpec) -> None:
        super().__init__(geometry, spec)
        self.dropout = nn.Dropout(spec.shortcut_dropout)
        self.scale = 1 - spec.shortcut_dropout if spec.dropout_scaling == "plain" else 1.0

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return self.scale * self.dropout(self.resize(x)) + residual


class NoShortcut(nn.Module):
    """F alone: the plain net."""

    def __init__(self, geometry: Geometry, spec: ShortcutSpec) -> None:
        super().__init__()

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return residual


SHORTCUTS: dict[str, type[nn.Module]] = {
    "identity": Shortcut,
    "scaled": Scaled,
    "exclusive_gate": ExclusiveGate,
    "shortcut_gate": ShortcutGate,
    "conv1x1": Conv1x1,
    "dropout": Dropout,
    "none": NoShortcut,
    "highway": Highway,
}


def make_shortcut(geometry: Geometry, spec: ShortcutSpec) -> nn.Module:
    """The shortcut of one unit."""
    plain = spec.shortcut_units == "same_size" and geometry.changes_size
    return SHORTCUTS["identity" if plain else spec.shortcut](geometry, spec)
