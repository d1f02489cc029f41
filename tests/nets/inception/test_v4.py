"""Inception-v4: published counts, channels of Figure 9, timm with copied weights, the 32x32 form."""

import pytest
import timm
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import nets
from nets import cost


def on_meta(name, **options):
    """The net without storage, which costs no time to fill."""
    with torch.device("meta"):
        return nets.build(name, **options)


def stage_shapes(net, side: int) -> list[tuple[int, ...]]:
    shapes = []
    for stage in (net.stem, net.stage_a, net.stage_b, net.stage_c):
        stage.register_forward_hook(lambda m, i, o: shapes.append(tuple(o.shape[1:])))
    net.eval()(torch.empty(1, 3, side, side, device="meta"))
    return shapes


def test_published_counts():
    """timm's own net has 42,679,816 parameters, its table of results 42.68 M and 12.28 G multiply-adds."""
    net = on_meta("inception_v4")
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        reference = timm.create_model("inception_v4").eval()
        reference(torch.empty(1, 3, 299, 299))
    assert cost.parameters(net) == sum(p.numel() for p in reference.parameters()) == 42_679_816
    assert cost.multiply_adds(net, (3, 299, 299)) == counter.get_total_flops() / 2


def test_channels_and_maps_of_figure_9():
    shapes = stage_shapes(on_meta("inception_v4", blocks=(1, 1, 1)), 299)
    assert shapes == [(384, 35, 35), (384, 35, 35), (1024, 17, 17), (1536, 8, 8)]


def test_small_form_has_a_quarter_of_the_channels_on_32_16_8():
    shapes = stage_shapes(on_meta("inception_v4_cifar", blocks=(1, 1, 1)), 32)
    assert shapes == [(96, 32, 32), (96, 32, 32), (256, 16, 16), (384, 8, 8)]


@pytest.mark.parametrize(
    ("side", "blocks"), [(75, (1, 1, 1)), pytest.param(171, (4, 7, 3), marks=pytest.mark.slow)], ids=str
)
def test_equals_timm_with_copied_weights(side, blocks, assert_equals_reference):
    """75 pixels leave one pixel after the last reduction, 171 a map of 4x4."""
    with torch.device("meta"):
        theirs = timm.create_model("inception_v4", num_classes=10, drop_rate=0.2)
    repeated = {(6, 10): blocks[0], (11, 18): blocks[1], (19, 22): blocks[2]}  # where modules A, B and C are
    left_out = {i for (first, end), count in repeated.items() for i in range(first + count, end)}
    theirs.features = nn.Sequential(*(part for i, part in enumerate(theirs.features) if i not in left_out))
    ours = on_meta("inception_v4", num_classes=10, blocks=blocks)
    assert_equals_reference(ours, theirs, torch.randn(2, 3, side, side))


def test_blocks_are_counted_by_stage():
    """Figure 9 has 4, 7 and 3 modules after the stem and the reductions."""
    net = on_meta("inception_v4")
    assert [len(stage) for stage in (net.stage_a, net.stage_b, net.stage_c)] == [4, 1 + 7, 1 + 3]
    net = on_meta("inception_v4_cifar", blocks=(1, 2, 0))
    assert [len(stage) for stage in (net.stage_a, net.stage_b, net.stage_c)] == [1, 1 + 2, 1]
