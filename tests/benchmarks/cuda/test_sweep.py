"""No variant of any ablation meets an operator that PyTorch refuses on CUDA, and what can be recorded is."""

import pytest
import torch.nn.functional as F

import nets.inception.v3 as inception_v3
from benchmarks.cuda.sweep import distinct, drive, specs
from experiments import ablations
from experiments.training.step import is_recordable

# One of each kind of net and recipe, the quickest that there are; the others are marked slow.
QUICK = ("resnet_shortcut/smoke/exclusive_gate_b-6", "alexnet_parts/smoke/whole", "mnist_basics/smoke/lenet")
SPECS = dict(specs())
DISTINCT = [(names[0], spec) for spec, names in distinct()]


def test_every_variant_of_every_profile_is_driven_or_stands_for_another():
    declared = {
        f"{ablation.name}/{profile}/{variant.name}"
        for ablation in map(ablations.load, ablations.names())
        for profile in ablation.profiles
        for variant in ablation.variants_of(profile)
    }
    assert set(SPECS) == declared
    assert {name for _, names in distinct() for name in names} == declared


def check(spec):
    driven = drive(spec)
    assert driven.refused == frozenset()
    assert driven.recorded == is_recordable(spec)
    assert driven.signals > 0
    assert driven.calls > 100


@pytest.mark.parametrize("name", QUICK)
def test_it_trains_on_a_gpu(name):
    check(SPECS[name])


@pytest.mark.slow
@pytest.mark.parametrize("spec", [pytest.param(spec, id=name) for name, spec in DISTINCT])
def test_every_variant_trains_on_a_gpu(spec):
    check(spec)


@pytest.mark.slow
def test_the_fault_that_the_sweep_is_for_is_found(monkeypatch):
    """PyTorch's own pooling in the auxiliary head would stop the run at its first step."""
    monkeypatch.setattr(inception_v3, "adaptive_avg_pool", F.adaptive_avg_pool2d)
    assert drive(SPECS["inception_ladder/smoke/bn_auxiliary"]).refused == {"_adaptive_avg_pool2d_backward"}
