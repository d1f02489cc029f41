"""Pre-activation ResNets against timm's with the same weights."""

import pytest
import timm
import torch
from torch import nn


def with_the_papers_stem(net: nn.Module) -> nn.Module:
    """timm's resnetv2, the first unit's BN-ReLU before the pooling as in fb.resnet.torch, and a linear fc."""
    first = net.stages[0].blocks[0]
    net.stem = nn.Sequential()
    with torch.device("meta"):
        net.stem.add_module("conv", nn.Conv2d(3, 64, 7, 2, 3, bias=False))
        net.stem.add_module("norm", first.norm1)
        net.stem.add_module("pool", nn.MaxPool2d(3, 2, 1))
        first.norm1 = nn.Identity()
        fc = nn.Linear(net.head.fc.in_channels, net.head.fc.out_channels)
        net.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), fc)
    return net


def as_timm(name: str) -> str:
    """Our parameter's name in timm's net."""
    parts = name.split(".")
    if parts[0].startswith("stage"):
        parts[:2] = ["stages", str(int(parts[0].removeprefix("stage")) - 1), "blocks", parts[1]]
        name = ".".join(parts).replace(".bn", ".norm")
        return name.replace("shortcut.resize.conv", "downsample.conv")
    first = {"conv1": "stem.conv", "bn1": "stem.norm", "head": "norm", "fc": "head.2"}[parts[0]]
    return f"{first}.{parts[-1]}"


@pytest.mark.parametrize("depth", [18, 50, *(pytest.param(depth, marks=pytest.mark.slow) for depth in (34, 101, 152))])
def test_full_preactivation_equals_timm(depth, assert_equals_reference, on_meta):
    """One BN-ReLU before branch and projection, the projection without BN, BN-ReLU after the last sum."""
    with torch.device("meta"):
        theirs = with_the_papers_stem(timm.create_model(f"resnetv2_{depth}"))
    ours = on_meta(f"resnet{depth}", order="full_preact", bottleneck_stride="3x3")
    keys = [as_timm(name) for name in ours.state_dict()]
    assert_equals_reference(ours, theirs, torch.randn(3, 3, 64, 64), keys)
