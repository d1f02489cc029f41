"""The layers of the AlexNets as data: two towers, one GPU, one tower, and the nets for 32x32 images."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nets.initialisation import Init


@dataclass(frozen=True)
class Conv:
    """One convolution with its activation, and the layers after it in order: n (LRN), m, a (max, average pooling)."""

    name: str
    out_channels: int
    kernel: int
    padding: int
    after: str = ""
    stride: int = 1
    groups: int = 1
    bias: float | None = None  # initial value; None: by the rule of initialisation


@dataclass(frozen=True)
class LrnConstants:
    """The constants of `nets.layers.local_response_norm`."""

    size: int
    alpha: float
    beta: float
    k: float


@dataclass(frozen=True)
class AlexNetLayout:
    """The convolutions, the widths of the hidden fully connected layers, and the side in pixels of their input map."""

    convs: tuple[Conv, ...]
    first_fc: int  # the number in its name
    hidden: tuple[int, ...]
    hidden_bias: float | None  # like Conv.bias
    map_size: int
    lrn: LrnConstants
    init: Init
    ceil_mode: bool = False  # whether pooling keeps a last window that reaches over the border

    def without(self, name: str) -> AlexNetLayout:
        """The layout without one convolution that keeps the size of its map; the others keep their names."""
        free = [conv.name for conv in self.convs if not conv.after and conv.stride == 1]
        if name not in free:
            raise ValueError(
                f"without: this net cannot be built without {name}; choose from {', '.join(['none', *free])}"
            )
        return replace(self, convs=tuple(conv for conv in self.convs if conv.name != name))


# Section 3.3; the initial biases are in section 5, the sizes in section 3.5.
PAPER_LRN = LrnConstants(size=5, alpha=1e-4, beta=0.75, k=2.0)
LAYOUT_2012 = AlexNetLayout(
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
    lrn=PAPER_LRN,
    init="normal_0.01",
)
# Section 3.2: "half as many kernels in each convolutional layer", except the last.
LAYOUT_ONE_GPU = replace(
    LAYOUT_2012,
    convs=tuple(
        replace(conv, groups=1, out_channels=conv.out_channels // (1 if conv.name == "conv5" else 2))
        for conv in LAYOUT_2012.convs
    ),
)
# "One weird trick for parallelizing convolutional neural networks" (2014), as in torchvision.
LAYOUT_2014 = AlexNetLayout(
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
    lrn=PAPER_LRN,
    init="torch",
)
# cuda-convnet's layers-conv-local-11pct, maps 32, 16, 8, 8: the net of "13 %, and 11 % with normalisation".
CUDA_CONVNET_LRN = LrnConstants(size=9, alpha=1e-3, beta=0.75, k=1.0)
LAYOUT_CIFAR = AlexNetLayout(
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
    lrn=CUDA_CONVNET_LRN,
    init="he_fan_in",
    ceil_mode=True,
)
# cuda-convnet's layers-18pct, maps 32, 16, 8, 4.
LAYOUT_FIGURE_1 = AlexNetLayout(
    convs=(
        Conv("conv1", 32, 5, 2, "mn"),
        Conv("conv2", 32, 5, 2, "an"),
        Conv("conv3", 64, 5, 2, "a"),
    ),
    first_fc=4,
    hidden=(),
    hidden_bias=None,
    map_size=4,
    lrn=CUDA_CONVNET_LRN,
    init="he_fan_in",
    ceil_mode=True,
)
