"""A run's initial weights depend on its named streams alone; those of the built-in nets on parameter names alone."""

import pytest
import torch

from experiments import ablations
from experiments.ablation import Overrides
from experiments.data.load import Dataset, Split
from experiments.spec import SpecError
from experiments.training import build
from experiments.training.build import build_net


def specs():
    """One of every net and set of options that the declared ablations train in their smoke profile."""
    found = {}
    for name in ablations.names():
        try:
            for spec in ablations.load(name).specs("smoke", Overrides()).values():
                found.setdefault(repr((spec.net, spec.recipe.init)), spec)
        except SpecError:
            continue
    return list(found.values())


def data_for(spec):
    split = Split(torch.zeros(1, *spec.data.shape, dtype=torch.uint8), torch.zeros(1, dtype=torch.int64))
    return Dataset(spec.data.name, split, split, spec.data.info.classes)


def test_nothing_of_a_built_in_net_comes_from_the_global_stream(monkeypatch):
    """So results of earlier versions, which did not seed it before building, are those of today."""
    every = specs()
    assert len(every) > 40
    differing = []
    for spec in every:
        seeded = build_net(spec, data_for(spec)).state_dict()
        with monkeypatch.context() as patched:
            patched.setattr(build, "reseed_global", lambda *path: torch.manual_seed(12345))
            other = build_net(spec, data_for(spec)).state_dict()
        differing += [spec.net for name in seeded if not torch.equal(seeded[name], other[name])]
    assert differing == []


@pytest.mark.parametrize("before", [0, 1])
def test_a_build_does_not_depend_on_what_was_drawn_before(tiny, digits, before):
    torch.manual_seed(before)
    first = build_net(tiny, digits).state_dict()
    drawn = torch.rand(3)
    torch.rand(1000)
    again = build_net(tiny, digits).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert torch.equal(torch.rand(3), drawn)
