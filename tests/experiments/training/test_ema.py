"""The moving average of the weights against plain numbers."""

import pytest
import torch
from torch import nn

from experiments.training.ema import Ema


def test_weights_and_statistics_are_averaged_with_a_rising_decay():
    """a = d a + (1 - d) w with d = min(decay, (1 + t) / (10 + t)): 2/11, 3/12, then the decay 0.3."""
    net = nn.Sequential(nn.BatchNorm2d(1))
    average = Ema(net, decay=0.3)
    (weight, mean, count) = net[0].weight, net[0].running_mean, net[0].num_batches_tracked
    expected_weight, expected_mean = 1.0, 0.0
    for t, (w, m) in enumerate([(5.0, 2.0), (-1.0, 8.0), (3.0, 0.5), (0.0, 1.0)], start=1):
        with torch.no_grad():
            weight.fill_(w)
            mean.fill_(m)
            count.fill_(t)
        average.update(t)
        decay = [2 / 11, 3 / 12, 0.3, 0.3][t - 1]
        expected_weight = decay * expected_weight + (1 - decay) * w
        expected_mean = decay * expected_mean + (1 - decay) * m
        ours = average.net[0]
        assert ours.weight.item() == pytest.approx(expected_weight, rel=1e-6)
        assert ours.running_mean.item() == pytest.approx(expected_mean, rel=1e-6)
        assert ours.num_batches_tracked.item() == t
    assert weight.item() == 0.0  # the net that is trained is left alone


def test_the_average_follows_a_net_whose_state_is_loaded():
    """As after a resume: loading copies into the tensors that are averaged."""
    net = nn.Linear(1, 1, bias=False)
    average = Ema(net, decay=0.0)
    net.load_state_dict({"weight": torch.tensor([[7.0]])})
    average.net.load_state_dict({"weight": torch.tensor([[1.0]])})
    average.update(1)
    assert average.net.weight.item() == 7.0
    assert not average.net.weight.requires_grad
