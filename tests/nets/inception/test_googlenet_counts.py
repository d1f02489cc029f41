"""GoogLeNet: parameters, multiply-adds and depth against Table 1 and its known misprints."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import nets
from nets import cost

# Table 1: filters of 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool proj; parameters in K; operations in M.
TABLE_1 = {
    "3a": ((64, 96, 128, 16, 32, 32), 159, 128),
    "3b": ((128, 128, 192, 32, 96, 64), 380, 304),
    "4a": ((192, 96, 208, 16, 48, 64), 364, 73),
    "4b": ((160, 112, 224, 24, 64, 64), 437, 88),
    "4c": ((128, 128, 256, 24, 64, 64), 463, 100),
    "4d": ((112, 144, 288, 32, 64, 64), 580, 119),
    "4e": ((256, 160, 320, 32, 128, 128), 840, 170),
    "5a": ((256, 160, 320, 32, 128, 128), 1072, 54),
    "5b": ((384, 192, 384, 48, 128, 128), 1388, 71),
}
IMAGE = (3, 224, 224)
TORCHVISION = {"norm": "batch", "large": "3x3", "last_pool": 2, "aux_pool": "adaptive", "dropout": 0.2}
FORMS = [
    {},
    {"form": "naive"},
    {"form": "naive", "pool_projection": True},
    {"pool_projection": False},
    {"large": "3x3_twice"},
    {"large": "3x3"},
    {"branch_1x1": False},
    {"branch_3x3": False},
    {"branch_large": False},
    {"branch_pool": False},
    {"branch_1x1": False, "branch_large": False, "branch_pool": False},
]


def on_meta(**options):
    """The net without storage, which costs no time to fill."""
    with torch.device("meta"):
        return nets.build("googlenet", **options)


@pytest.mark.parametrize(
    ("options", "parameters", "multiply_adds"),
    [
        ({"aux": "none"}, 6_998_552, 1_582_671_872),  # recounted from Table 1 with biases
        ({}, 13_378_280, None),
        ({"norm": "batch", "aux": "none"}, 7_005_832, None),
        ({**TORCHVISION, "aux": "none"}, 6_624_904, 1_498_376_192),  # torchvision's published count, 1.50 G
        (TORCHVISION, 13_004_888, None),
    ],
)
def test_published_and_recounted_totals(options, parameters, multiply_adds):
    """Without the stem's LRN and biases Table 1 sums to 6.99M, printed 6797.7K; heads cost nothing in evaluation."""
    net = on_meta(**options).eval()
    assert cost.parameters(net) == sum(p.numel() for p in net.parameters()) == parameters
    if multiply_adds is not None:
        with FlopCounterMode(display=False) as counter:
            net(torch.empty(1, *IMAGE, device="meta"))
        assert cost.multiply_adds(net, IMAGE) == counter.get_total_flops() / 2 == multiply_adds


def test_rows_of_table_1():
    """K is 1024. The paper's 4c (computed 497.5) and 5a (1018 K, 51 M ops) are misprints: no layer gives them."""
    net = on_meta(aux="none")
    rows = cost.trace(net, IMAGE)
    weights = {name: p.numel() for name, p in net.named_parameters() if name.endswith("weight")}
    assert sum(weights.values()) == 6_990_272
    for name, (_, thousands, millions) in TABLE_1.items():
        counted = sum(n for key, n in weights.items() if key.startswith(f"inception_{name}.")) / 1024
        operations = sum(r.multiply_adds for r in rows if r.name.startswith(f"inception_{name}.")) / 1e6
        assert counted == pytest.approx({"4c": 497.5, "5a": 1018}.get(name, thousands), rel=0.02)
        assert operations == pytest.approx({"5a": 51}.get(name, millions), rel=0.02)


def test_separable_first_layer_is_what_table_1_counts():
    """2.7K parameters and 34M operations for "7x7/2, 64"; a dense layer has 9.2K and 118M."""
    costs = {}
    for kind in ("separable", "dense"):
        rows = [r for r in cost.trace(on_meta(norm="batch", first_conv=kind), IMAGE) if r.kind == "Conv2d"]
        first = [r for r in rows if r.name.startswith("stem.conv1.")]
        costs[kind] = sum(r.parameters for r in first), sum(r.multiply_adds for r in first)
    assert costs == {"separable": (2_712, 34_019_328), "dense": (9_408, 118_013_952)}


def expected_weights(form, large, kept, projected) -> int:
    """Convolution weights and biases of the nine modules, from the table and the two drawings of Figure 2."""
    total, channels = 0, 192
    for (one, r3, three, r5, five, proj), _, _ in TABLE_1.values():
        c = channels
        inner3, inner5 = (r3, r5) if form == "reduced" else (c, c)
        reductions = [(c + 1) * r3, (c + 1) * r5] if form == "reduced" else [0, 0]
        kernel = {"5x5": (25 * inner5 + 1) * five, "3x3": (9 * inner5 + 1) * five}
        kernel["3x3_twice"] = kernel["3x3"] + (9 * five + 1) * five
        branches = {
            "1x1": ((c + 1) * one, one),
            "3x3": (reductions[0] + (9 * inner3 + 1) * three, three),
            "large": (reductions[1] + kernel[large], five),
            "pool": ((c + 1) * proj, proj) if projected else (0, c),
        }
        total += sum(branches[b][0] for b in kept)
        channels = sum(branches[b][1] for b in kept)
    return total


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_parameters_of_every_form(options):
    form = options.get("form", "reduced")
    kept = [b for b in ("1x1", "3x3", "large", "pool") if options.get(f"branch_{b}", True)]
    projected = options.get("pool_projection", form == "reduced")
    net = on_meta(**options)
    counted = sum(p.numel() for name, p in net.named_parameters() if name.startswith("inception"))
    assert counted == expected_weights(form, options.get("large", "5x5"), kept, projected)


def longest_chain(module: nn.Module) -> int:
    """Weight layers on the longest path from input to output."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        return 1
    depths = [longest_chain(child) for name, child in module.named_children() if not name.startswith("aux")]
    return (max if isinstance(module, nets.inception.modules.Mixed) else sum)(depths)


@pytest.mark.parametrize(("options", "depth"), [({}, 22), ({"large": "3x3_twice"}, 31), ({"form": "naive"}, 13)])
def test_depth(options, depth):
    """22 weight layers (section 5); two 3x3 add 9 (BN-Inception's appendix), the naive form loses 9."""
    assert longest_chain(on_meta(**options)) == depth
