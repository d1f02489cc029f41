"""Named streams: equal for equal names, whatever was drawn before; different for any other."""

import subprocess
import sys

import pytest
import torch
import torch._inductor.config

from experiments.seeding import generator, make_deterministic, reseed_global, stream_seed


def test_a_stream_depends_on_its_name_alone():
    before = torch.rand(5, generator=generator(3, "order", 7))
    torch.rand(1000)
    assert torch.equal(before, torch.rand(5, generator=generator(3, "order", 7)))


def test_other_seeds_purposes_and_epochs_differ():
    seeds = {stream_seed(*path) for path in [(3, "order", 7), (4, "order", 7), (3, "augment", 7), (3, "order", 8)]}
    assert len(seeds) == 4
    assert stream_seed(1, 23) != stream_seed(12, 3)


def test_streams_are_the_same_in_another_process():
    """Python salts its own hash() by process; these streams must not."""
    code = "from experiments.seeding import stream_seed; print(stream_seed(3, 'init', 'conv1.weight'))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(other.stdout) == stream_seed(3, "init", "conv1.weight")


def test_dropout_follows_the_reseeded_global_stream():
    draws = []
    for epoch in (0, 1, 0):
        reseed_global(5, "dropout", epoch)
        draws.append(torch.nn.functional.dropout(torch.ones(100)))
    assert torch.equal(draws[0], draws[2])
    assert not torch.equal(draws[0], draws[1])


@pytest.mark.parametrize("enabled", [True, False])
def test_inductor_follows(enabled):
    """Where algorithms are to be deterministic, it chooses no kernel, and pads no product, by timing."""
    make_deterministic(enabled)
    assert torch._inductor.config.deterministic is enabled
    make_deterministic()


def test_new_tensors_are_not_filled_to_be_deterministic():
    make_deterministic()
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.utils.deterministic.fill_uninitialized_memory
