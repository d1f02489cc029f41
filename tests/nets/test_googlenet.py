"""GoogLeNet: Table 1 and its known misprints, torchvision with copied weights, branches, auxiliary heads."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
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
VARIANTS = [
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
    {"norm": "none"},
    {"norm": "batch"},
    {"first_conv": "separable"},
    {"aux": "first"},
    {"aux": "none"},
]


def on_meta(name="googlenet", **options):
    """The net without storage, which costs no time to fill."""
    with torch.device("meta"):
        return nets.build(name, **options)


def small_net(**options):
    torch.manual_seed(0)
    return nets.build("googlenet", num_classes=10, width=0.25, dropout=0.0, aux_dropout=0.0, **options)


def outputs_of(net, x):
    answer = net(x)
    return [o for o in answer if o is not None] if isinstance(answer, tuple) else [answer]


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


@pytest.mark.parametrize("options", VARIANTS[:11])
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
    return (max if isinstance(module, nets.inception_modules.Mixed) else sum)(depths)


@pytest.mark.parametrize(("options", "depth"), [({}, 22), ({"large": "3x3_twice"}, 31), ({"form": "naive"}, 13)])
def test_depth(options, depth):
    """22 weight layers (section 5); two 3x3 add 9 (BN-Inception's appendix), the naive form loses 9."""
    assert longest_chain(on_meta(**options)) == depth


class Reference(torchvision.models.GoogLeNet):
    """torchvision's net, its answers in our order."""

    def eager_outputs(self, x, aux2, aux1):
        return (x, aux1, aux2) if self.training else x


def test_equals_torchvision_with_copied_weights(assert_equals_reference):
    """96 pixels; both heads, dropout seeded alike. torchvision holds fc behind the heads."""
    theirs = Reference(num_classes=10, init_weights=False)
    keys = sorted(theirs.state_dict(), key=lambda name: name.startswith("aux"))
    ours = on_meta(num_classes=10, **TORCHVISION)
    assert_equals_reference(ours, theirs, torch.randn(2, 3, 96, 96), keys)


@pytest.mark.slow
def test_equals_torchvision_at_full_size(assert_equals_reference):
    theirs = Reference(num_classes=1000, init_weights=False)
    keys = sorted(theirs.state_dict(), key=lambda name: name.startswith("aux"))
    assert_equals_reference(on_meta(**TORCHVISION), theirs, torch.randn(2, 3, 224, 224), keys)


@pytest.mark.parametrize(
    ("options", "heads"),
    [
        ({}, {"aux1": "4a", "aux2": "4d"}),
        ({"aux": "first"}, {"aux1": "4a"}),
        ({"aux": "second"}, {"aux2": "4d"}),
        ({"aux_after": ("3b", "4e")}, {"aux1": "3b", "aux2": "4e"}),
        ({"aux_after": ("4d", "4a")}, {"aux1": "4d", "aux2": "4a"}),
    ],
)
def test_heads_read_their_modules_in_training_only(options, heads):
    net, seen = small_net(**options), {}
    for module in TABLE_1:
        net.get_submodule(f"inception_{module}").register_forward_hook(lambda m, i, o, at=module: seen.update({at: o}))
    x = torch.randn(2, 3, 64, 64)
    answer = net(x)
    for head in ("aux1", "aux2"):
        if head in heads:
            assert torch.equal(getattr(answer, head), net.get_submodule(head)(seen[heads[head]]))
        else:
            assert getattr(answer, head) is None
            assert not hasattr(net, head)
    assert torch.equal(answer.logits, net.fc(seen["5b"].mean((2, 3))))
    assert isinstance(net.eval()(x), torch.Tensor)
    assert isinstance(small_net(aux="none")(x), torch.Tensor)


def test_head_pools_5x5_with_stride_3():
    """14x14 to 4x4 (section 5), unlike the adaptive windows; 8.37M multiply-adds for both heads."""
    paper, adaptive = small_net().aux1.eval(), small_net(aux_pool="adaptive").aux1.eval()
    adaptive.load_state_dict(paper.state_dict())
    x = torch.randn(2, paper.conv.conv.in_channels, 14, 14)
    pooled = F.relu(paper.conv.conv(F.avg_pool2d(x, 5, 3))).flatten(1)
    torch.testing.assert_close(paper(x), paper.fc2(F.relu(paper.fc1(pooled))))
    assert not torch.allclose(paper(x), adaptive(x), rtol=1e-2)
    net = on_meta()
    both = (cost.multiply_adds(net.aux1, (512, 14, 14)), cost.multiply_adds(net.aux2, (528, 14, 14)))
    assert sum(both) == 4 * 4 * 128 * (512 + 528) + 2 * (2048 * 1024 + 1024 * 1000) == 8_372_224


def test_a_branch_taken_out_leaves_the_others_as_they_were():
    full = small_net().inception_3a.eval()
    x = torch.randn(2, 48, 8, 8)
    parts = full(x).split((16, 32, 8, 8), 1)  # a quarter of 64, 128, 32, 32
    for i, option in enumerate(("branch_1x1", "branch_3x3", "branch_large", "branch_pool")):
        module = small_net(**{option: False}).inception_3a.eval()
        module.load_state_dict({k: v for k, v in full.state_dict().items() if f"branch{i + 1}" not in k})
        torch.testing.assert_close(module(x), torch.cat([p for j, p in enumerate(parts) if j != i], 1))


def test_parameter_names_are_shared_by_the_variants():
    baseline = {name for name, _ in on_meta().named_parameters()}
    for options in ({"norm": "none"}, {"aux": "second"}, {"branch_3x3": False}, {"aux_after": ("3a", "5a")}):
        assert {name for name, _ in on_meta(**options).named_parameters()} <= baseline
    bn = {name for name, _ in on_meta(norm="batch").named_parameters()}
    assert {name for name in baseline if name.endswith("weight")} <= bn


def test_small_form():
    """Maps of 32, 16, 8; with its 7,904 biases ahead of BN, kuangliu/pytorch-cifar's 6,166,250 parameters."""
    net = on_meta("googlenet_cifar").eval()
    shapes = []
    for module in ("3b", "4e", "5b"):
        net.get_submodule(f"inception_{module}").register_forward_hook(
            lambda m, i, o: shapes.append(tuple(o.shape[1:]))
        )
    net(torch.empty(1, 3, 32, 32, device="meta"))
    assert shapes == [(480, 32, 32), (832, 16, 16), (1024, 8, 8)]
    biases = sum(m.out_channels for m in net.modules() if isinstance(m, nn.Conv2d))
    assert biases == 7_904
    assert cost.parameters(net) + biases == 6_166_250


@pytest.mark.parametrize("options", [{}, {"norm": "lrn", "aux": "both"}, {"first_conv": "separable"}], ids=str)
def test_small_form_trains_every_parameter(options):
    net = nets.build("googlenet_cifar", width=0.25, in_channels=1, dropout=0.0, activation="elu", **options)
    outputs = outputs_of(net, torch.randn(4, 1, 28, 28))
    sum(o.square().sum() for o in outputs).backward()
    assert outputs[0].shape == (4, 10)
    assert not [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]


@pytest.mark.slow
def test_training_with_heads_is_captured_as_one_graph():
    net = small_net()
    x = torch.randn(2, 3, 64, 64)
    captured = torch.compile(net, backend="eager", fullgraph=True)(x)
    torch.testing.assert_close(tuple(captured), tuple(net(x)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"form": "full"}, "it takes reduced, naive"),
        ({"large": "7x7"}, "it takes 5x5, 3x3_twice, 3x3"),
        ({"norm": "group"}, "it takes none, lrn, batch"),
        ({"last_pool": 4}, "it takes 2, 3"),
        ({"aux": True}, "it takes both, first, second, none"),
        ({"aux_after": ("4a", "6a")}, "aux_after takes two of the modules 3a, 3b, .*, got \\('4a', '6a'\\)"),
        ({"aux_after": ("4a", "4a")}, "aux_after takes two of the modules"),
        ({"branch": 1}, "it has num_classes, in_channels, form"),
        ({"width": -1.0}, "width must be positive"),
        (dict.fromkeys(("branch_1x1", "branch_3x3", "branch_large", "branch_pool"), False), "one of branch_1x1"),
    ],
)
def test_wrong_options_say_what_is_right(options, words):
    with pytest.raises(ValueError, match=words):
        on_meta(**options)


@pytest.mark.parametrize(("name", "side"), [("googlenet", 31), ("googlenet_cifar", 4)])
def test_smallest_image(name, side):
    net = on_meta(name, aux="both")
    assert net(torch.empty(2, 3, side, side, device="meta")).aux2.shape[0] == 2
    with pytest.raises(ValueError, match=f"needs images of {side}x{side} pixels or more, got {side - 1}x40"):
        net(torch.empty(2, 3, side - 1, 40, device="meta"))
