"""GoogLeNet: torchvision with copied weights, branches, auxiliary heads, the small form."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import nets
from nets import cost

MODULES = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
TORCHVISION = {"norm": "batch", "large": "3x3", "last_pool": 2, "aux_pool": "adaptive", "dropout": 0.2}


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


class Reference(torchvision.models.GoogLeNet):
    """torchvision's net, its answers in our order."""

    def eager_outputs(self, x, aux2, aux1):
        return (x, aux1, aux2) if self.training else x


def test_equals_torchvision_with_copied_weights(assert_equals_reference):
    """96 pixels; both heads, dropout seeded alike. in torchvision fc comes after the heads."""
    theirs = Reference(num_classes=10, init_weights=False)
    keys = sorted(theirs.state_dict(), key=lambda name: name.startswith("aux"))
    ours = on_meta(num_classes=10, **TORCHVISION)
    assert_equals_reference(ours, theirs, torch.randn(2, 3, 96, 96), keys)


@pytest.mark.slow
def test_equals_torchvision_at_full_size(assert_equals_reference):
    theirs = Reference(num_classes=1000, init_weights=False)
    keys = sorted(theirs.state_dict(), key=lambda name: name.startswith("aux"))
    assert_equals_reference(on_meta(**TORCHVISION), theirs, torch.randn(2, 3, 224, 224), keys)


class ReferenceThatTransforms(Reference):
    """transform_input on, given pixels of -1 to 1 in the normalisation that it expects: ImageNet's mean and deviation.

    Its answer is then that of weights trained on pixels of -1 to 1, as the checkpoints of TensorFlow are.
    """

    def forward(self, x):
        mean, deviation = (x.new_tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
        return super().forward((0.5 * x + 0.5 - mean) / deviation)


def test_transform_input_of_torchvision_is_pixels_from_minus_1_to_1(assert_equals_reference):
    """So our net, which transforms nothing, equals it on pixels normalised by mean 0.5 and deviation 0.5."""
    theirs = ReferenceThatTransforms(num_classes=10, init_weights=False, transform_input=True)
    keys = sorted(theirs.state_dict(), key=lambda name: name.startswith("aux"))
    assert_equals_reference(on_meta(num_classes=10, **TORCHVISION), theirs, 2 * torch.rand(2, 3, 64, 64) - 1, keys)


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
    for module in MODULES:
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
    """Maps of 32, 16, 8; with its 7,904 biases before BN, kuangliu/pytorch-cifar's 6,166,250 parameters."""
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


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"form": "full"}, "it takes reduced, naive"),
        ({"large": "7x7"}, "it takes 5x5, 3x3_twice, 3x3"),
        ({"norm": "weight"}, "it takes batch, group, layer, instance, none, lrn"),
        ({"last_pool": 4}, "it takes 2, 3"),
        ({"aux": True}, "it takes both, first, second, none"),
        ({"aux_after": ("4a", "6a")}, "aux_after cannot be \\('4a', '6a'\\); it takes 2 values, each 3a, 3b, .*, 5b"),
        ({"aux_after": ("4a", "4a")}, "aux_after takes two different modules"),
        ({"branch": 1}, "it has num_classes, in_channels, form"),
        ({"width": -1.0}, "width cannot be -1.0; it takes a number above 0"),
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
