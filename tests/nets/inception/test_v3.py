"""Inception-v3: published counts, shapes of Table 1, torchvision with copied weights, the auxiliary head."""

import pytest
import torch
import torchvision
from torch.utils.flop_counter import FlopCounterMode

import nets
from nets import cost


def on_meta(**options):
    """The net without storage, which costs no time to fill."""
    with torch.device("meta"):
        return nets.build("inception_v3", **options)


def torchvision_net(**options):
    return torchvision.models.Inception3(num_classes=10, init_weights=False, **options)


def keys_in_our_order(reference) -> list[str]:
    """torchvision's auxiliary head comes before the last stage, ours last."""
    names = list(reference.state_dict())
    return [n for n in names if "AuxLogits" not in n] + [n for n in names if "AuxLogits" in n]


def test_published_counts():
    """torchvision's 27,161,264 parameters and 5.713 G; the paper says "less than 25 million" (without the head)."""
    assert cost.parameters(on_meta(aux=False)) == 23_834_568
    net = on_meta()
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        reference = torchvision.models.Inception3(init_weights=False).eval()
        reference(torch.empty(1, 3, 299, 299))
    assert cost.parameters(net) == sum(p.numel() for p in reference.parameters()) == 27_161_264
    assert cost.multiply_adds(net, (3, 299, 299)) == counter.get_total_flops() / 2 == 5_713_216_096


@pytest.mark.parametrize("stem", ["factorised", "7x7"])
def test_maps_and_channels_of_table_1(stem):
    """35x35x288, 17x17x768, 8x8x2048; both stems hand 64 channels of 147x147 to the first pooling."""
    net, shapes = on_meta(stem=stem, aux=False).eval(), []
    convolutions = {"factorised": 3, "7x7": 1}[stem]
    for module in (net.stem[convolutions - 1], net.stage_a, net.stage_b, net.stage_c):
        module.register_forward_hook(lambda m, i, o: shapes.append(tuple(o.shape[1:])))
    net(torch.empty(1, 3, 299, 299, device="meta"))
    assert shapes == [(64, 147, 147), (288, 35, 35), (768, 17, 17), (2048, 8, 8)]


def test_factorising_the_7x7_costs_multiply_adds():
    """Three 3x3 for one 7x7, by hand; Table 3 has the same sign (3.8 G to 4.8 G)."""
    saved = 149**2 * 27 * 32 + 147**2 * 9 * (32 * 32 + 32 * 64) - 147**2 * 49 * 3 * 64
    both = [cost.multiply_adds(on_meta(stem=stem, aux=False).stem, (3, 299, 299)) for stem in ("factorised", "7x7")]
    assert both[0] - both[1] == saved > 0


def test_equals_torchvision_with_copied_weights(assert_equals_reference):
    """75 pixels, the smallest that leaves a map; the head, which needs 17x17 there, follows below."""
    images = torch.randn(3, 3, 75, 75)
    with torch.device("meta"):
        theirs = torchvision_net(aux_logits=False)
    assert_equals_reference(on_meta(num_classes=10, aux=False), theirs, images)


@pytest.mark.slow
def test_equals_torchvision_at_full_size_with_its_head(assert_equals_reference):
    theirs = torchvision_net()
    images = torch.randn(2, 3, 299, 299)
    assert_equals_reference(on_meta(num_classes=10), theirs, images, keys_in_our_order(theirs))


def test_auxiliary_head_equals_torchvision(assert_equals_reference):
    ours = nets.inception.v3.AuxiliaryHead(768, 10, nets.inception.v3.Style(), bn=True)
    assert_equals_reference(ours, torchvision.models.inception.InceptionAux(768, 10), torch.randn(2, 768, 17, 17))


def test_auxiliary_head_reads_the_last_17x17_map_in_training_only():
    net = nets.build("inception_v3", num_classes=10, dropout=0.0)
    seen = []
    net.stage_b.register_forward_hook(lambda m, i, o: seen.append(o))
    x = torch.randn(2, 3, 75, 75)
    output = net(x)
    assert torch.equal(output.aux, net.aux(seen[0]))
    assert torch.equal(output.logits, net.classify(net.stage_c(seen[0])))
    assert isinstance(net.eval()(x), torch.Tensor)
    assert isinstance(nets.build("inception_v3", num_classes=10, aux=False)(x), torch.Tensor)


def test_bn_of_the_head_is_on_its_fully_connected_layer():
    """Section 6: BN-auxiliary normalises "not just the convolutions"; 768 channels lose 2 parameters, win a bias."""
    plain, bn = on_meta(aux_bn=False), on_meta(aux_bn=True)
    assert cost.parameters(bn) - cost.parameters(plain) == 768
    missing = dict(bn.named_parameters()).keys() - dict(plain.named_parameters()).keys()
    assert missing == {"aux.conv2.bn.weight", "aux.conv2.bn.bias"}


def test_initial_weights_of_the_head():
    """0.01 and 0.001 as in TF-slim; He's fan-in elsewhere."""
    net = nets.build("inception_v3")
    assert net.aux.conv2.conv.weight.std().item() == pytest.approx(0.01, rel=0.01)
    assert net.aux.fc.weight.std().item() == pytest.approx(0.001, rel=0.01)
    conv = net.stage_c[2].branch3[1].conv.weight
    assert conv.std().item() == pytest.approx((2 / (448 * 9)) ** 0.5, rel=0.01)


def test_border_of_average_pooling_matters():
    """The two conventions differ at the border of the first module's map alone."""
    counted, skipped = (
        nets.build("inception_v3", num_classes=10, aux=False, average_pool=pool).stage_a[0].eval()
        for pool in ("count_padding", "skip_padding")
    )
    skipped.load_state_dict(counted.state_dict())
    x = torch.randn(2, 192, 9, 9)
    with torch.no_grad():
        differs = (counted(x) - skipped(x)).abs().amax((0, 1)) > 1e-4
    assert differs[[0, -1]].all()
    assert differs[:, [0, -1]].all()
    assert not differs[1:-1, 1:-1].any()
