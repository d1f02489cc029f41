"""The run's net with its initial weights."""

from __future__ import annotations

from torch import nn

import nets
from experiments.data.load import Dataset
from experiments.seeding import generator, reseed_global
from experiments.spec import RunSpec


def build_net(spec: RunSpec, data: Dataset) -> nn.Module:
    """The run's net for its data; every random value in it comes from one of the run's named streams.

    Whatever the constructors draw comes from the stream (seed, "build"), so a net of the user's own is repeatable too.
    What the recipe's or the net's rule initialises (`nets.initialise`) is then drawn from (seed, "init", parameter
    name), so that parameters of equal name and shape start equal in every variant; all else keeps its author's values.
    """
    reseed_global(spec.seed, "build")
    channels = data.train.shape[0]
    net = nets.build(spec.net.name, num_classes=data.classes, in_channels=channels, **spec.net.options)
    nets.initialise(net, lambda name: generator(spec.seed, "init", name), spec.recipe.init)
    return net
