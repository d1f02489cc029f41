"""The run's net with its initial weights."""

from __future__ import annotations

from typing import Any, cast

from torch import nn

import nets
from experiments.data.load import Dataset
from experiments.seeding import generator, reseed_global
from experiments.spec import RunSpec


def build_net(spec: RunSpec, data: Dataset) -> nn.Module:
    """The run's net for its data; every random value in it comes from one of the run's named streams.

    Whatever the constructors draw comes from the stream (seed, "build"), so a net of the user's own is repeatable too.
    Convolutions, linear layers and batch norms are then initialised by the recipe's rule, each parameter from the
    stream (seed, "init", parameter name), so that parameters of equal name and shape start equal in every variant.
    """
    reseed_global(spec.seed, "build")
    channels = data.train.images.shape[1]
    net = nets.build(spec.net.name, num_classes=data.classes, in_channels=channels, **spec.net.options)
    nets.initialise(net, lambda name: generator(spec.seed, "init", name), cast(Any, spec.recipe.init))
    return net
