"""The layers of the AlexNets as data: two towers, one GPU, one tower, and the nets for 32x32 images."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nets.layers import Init


@dataclass(frozen=True)
class Conv:
    """One convolution with its activation, and what follows in order: n (LRN), m, a (max, average pooling)."""

    name: str
    out_channels: int
    kernel: int
    padding: int
    after: str = ""
    stride: int = 1
    groups: int = 1
    bias: float | None = None  # at the start; None: as the rule of initialisation has it


@dataclass(frozen=True)
class Normalisation:
    """The constants of `nets.layers.local_response_norm`."""

    size: int
    alpha: float
    beta: float
    k: float


@dataclass(frozen=True)
class Plan:
    """The convolutions, the widths of the hidden fully connected layers, the size in pixels of the map they read."""

    convs: tuple[Conv, ...]
    first_fc: int  # the number in its name
    hidden: tuple[int, ...]
    hidden_bias: float | None  # as a convolution's
    map_size: int
    norm: Normalisation
    init: Init
    ceil_mode: bool = False  # whether pooling keeps a last window that stands over the border

    def without(self, name: str) -> Plan:
        """The plan less one convolution that changes no map's size; the others keep their names."""
        free = [conv.name for conv in self.convs if not conv.after and conv.stride == 1]
        if name not in free:
            raise ValueError(f"without: this net cannot lose {name}; choose from {', '.join(['none', *free])}")
        return replace(self, convs=tuple(conv for conv in self.convs if conv.name != name))


# Section 3.3; sections 5 and 3.5 have the starting biases and the sizes.
PAPER_NORM = Normalisation(size=5, alpha=1e-4, beta=0.75, k=2.0)
PLAN_2012 = Plan(
    convs=(
        Conv("conv1", 96, 11, 2, "nm", stride=4),
        Conv("conv2", 256, 5, 2, "nm", groups=2, bias=1.0),
        Conv("conv3", 384, 3, 1),
        Conv("conv4", 384, 3, 1, groups=2, bias=1.0),
        Conv("conv5", 256, 3, 1, "m", groups=2, bias=1.0),
    ),
    first_fc=6,
    hidden=(4096, 4096),
    hidden_bias=1.0,
    map_size=6,
    norm=PAPER_NORM,
    init="normal_0.01",
)
# Section 3.2: "half as many kernels in each convolutional layer", but for the last.
PLAN_ONE_GPU = replace(
    PLAN_2012,
    convs=tuple(
        replace(conv, groups=1, out_channels=conv.out_channels // (1 if conv.name == "conv5" else 2))
        for conv in PLAN_2012.convs
    ),
)
# "One weird trick for parallelizing convolutional neural networks" (2014), as torchvision has it.
PLAN_2014 = Plan(
    convs=(
        Conv("conv1", 64, 11, 2, "nm", stride=4),
        Conv("conv2", 192, 5, 2, "nm"),
        Conv("conv3", 384, 3, 1),
        Conv("conv4", 256, 3, 1),
        Conv("conv5", 256, 3, 1, "m"),
    ),
    first_fc=6,
    hidden=(4096, 4096),
    hidden_bias=None,
    map_size=6,
    norm=PAPER_NORM,
    init="torch",
)
# cuda-convnet's layers-conv-local-11pct, maps 32, 16, 8, 8: the net of "13 %, and 11 % with normalisation".
CUDA_CONVNET_NORM = Normalisation(size=9, alpha=1e-3, beta=0.75, k=1.0)
PLAN_CIFAR = Plan(
    convs=(
        Conv("conv1", 64, 5, 2, "mn"),
        Conv("conv2", 64, 5, 2, "nm"),
        Conv("conv3", 64, 3, 1),
        Conv("conv4", 32, 3, 1),
    ),
    first_fc=5,
    hidden=(),
    hidden_bias=None,
    map_size=8,
    norm=CUDA_CONVNET_NORM,
    init="he_fan_in",
    ceil_mode=True,
)
# cuda-convnet's layers-18pct, maps 32, 16, 8, 4.
PLAN_FIGURE_1 = Plan(
    convs=(
        Conv("conv1", 32, 5, 2, "mn"),
        Conv("conv2", 32, 5, 2, "an"),
        Conv("conv3", 64, 5, 2, "a"),
    ),
    first_fc=4,
    hidden=(),
    hidden_bias=None,
    map_size=4,
    norm=CUDA_CONVNET_NORM,
    init="he_fan_in",
    ceil_mode=True,
)
