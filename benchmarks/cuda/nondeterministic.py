"""The operators that PyTorch refuses on CUDA under `torch.use_deterministic_algorithms(True)`.

From that function's documentation and from the calls of `alertNotDeterministic` in ATen's CUDA kernels (PyTorch 2.14).
Operators that then take a deterministic algorithm of their own (cumsum, index_add, scatter with a tensor, the backward
pass of embeddings and replication padding, cuDNN's convolutions) are not among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Refused:
    """documented: its name in PyTorch's list, or None where only the source has it. when: of its arguments."""

    documented: str | None
    when: Callable[[Arguments], bool] = lambda arguments: True


def _floating(name: str) -> Callable[[Arguments], bool]:
    return lambda arguments: arguments[name].is_floating_point()


INTERPOLATE = Refused("interpolate")
OPERATORS: Mapping[str, Refused] = {
    "_adaptive_avg_pool2d_backward": Refused("AdaptiveAvgPool2d"),
    "_adaptive_avg_pool3d_backward": Refused("AdaptiveAvgPool3d"),
    "adaptive_max_pool2d_backward": Refused("AdaptiveMaxPool2d"),
    "adaptive_max_pool3d_backward": Refused(None),
    "avg_pool3d_backward": Refused("AvgPool3d"),
    "fractional_max_pool2d_backward": Refused("FractionalMaxPool2d"),
    "fractional_max_pool3d_backward": Refused("FractionalMaxPool3d"),
    "max_unpool2d": Refused("MaxUnpool2d"),  # and MaxUnpool1d, which calls it
    "max_unpool3d": Refused("MaxUnpool3d"),
    "upsample_linear1d_backward": INTERPOLATE,
    "upsample_bilinear2d_backward": INTERPOLATE,
    "_upsample_bilinear2d_aa_backward": INTERPOLATE,
    "upsample_bicubic2d_backward": INTERPOLATE,
    "_upsample_bicubic2d_aa_backward": INTERPOLATE,
    "upsample_trilinear3d_backward": INTERPOLATE,
    "reflection_pad1d_backward": Refused("ReflectionPad1d"),
    "reflection_pad2d_backward": Refused("ReflectionPad2d"),
    "reflection_pad3d_backward": Refused("ReflectionPad3d"),
    "nll_loss2d_forward": Refused("NLLLoss", lambda arguments: arguments["reduction"] != 0),  # of maps, not of rows
    "nll_loss2d_backward": Refused("NLLLoss", lambda arguments: arguments["reduction"] != 0),
    "_ctc_loss_backward": Refused("CTCLoss"),
    "_embedding_bag_dense_backward": Refused("EmbeddingBag", lambda arguments: arguments["mode"] == 2),
    "put_": Refused("put_"),
    "histc": Refused("histc", _floating("self")),
    "bincount": Refused("bincount", lambda arguments: arguments.get("weights") is not None),
    "median": Refused("median", lambda arguments: "dim" in arguments),
    "nanmedian": Refused("median", lambda arguments: "dim" in arguments),
    "kthvalue": Refused(None),
    "grid_sampler_2d_backward": Refused("grid_sample"),
    "grid_sampler_3d_backward": Refused("grid_sample"),
    "scatter_reduce": Refused("scatter_reduce", lambda arguments: arguments["reduce"] == "prod"),
    "resize_": Refused("resize_", lambda arguments: arguments["self"].is_quantized),
}


def documented() -> set[str]:
    """The names in the list of operators that throw, as the installed PyTorch documents it."""
    text = str(torch.use_deterministic_algorithms.__doc__)
    listed = text.partition("operations will throw")[2].partition("In addition")[0]
    return {name.split(".")[-1] for name in re.findall(r"\* :(?:class|func):`([\w.]+)`", listed)}


def is_refused(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether PyTorch refuses this call of an operator on CUDA tensors."""
    name = func._schema.name.removeprefix("aten::")
    refused = OPERATORS.get(name) or OPERATORS.get(name.removesuffix("_"))
    if refused is None:
        return False
    arguments = {argument.name: value for argument, value in zip(func._schema.arguments, args, strict=False)}
    return refused.when({**arguments, **kwargs})


class Watch(TorchDispatchMode):
    """Counts the operators on CUDA tensors, and keeps the names of those that PyTorch refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.refused: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
        result = func(*args, **(kwargs or {}))
        tensors = (leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, torch.Tensor))
        if any(tensor.device.type == "cuda" for tensor in tensors):
            self.calls += 1
            if is_refused(func, args, kwargs or {}):
                self.refused.add(func._schema.name.removeprefix("aten::"))
        return result
