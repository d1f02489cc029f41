"""The number format of a run: what is set for it, what bf16 computes in, what a CPU does not have."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from experiments.spec import SpecError, with_changes
from experiments.spec_check import check
from experiments.training.precision import autocast, compiled, set_tf32


@pytest.mark.parametrize(("precision", "allowed"), [("tf32", True), ("fp32", False), ("bf16", False)])
def test_tf32_is_on_for_runs_that_ask_for_it_alone(tiny, precision, allowed):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = not allowed
    set_tf32(with_changes(tiny, {"recipe.precision": precision, "device": "cuda"}))
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == (allowed, allowed)


def test_a_cpu_has_no_tf32(tiny):
    with pytest.raises(SpecError, match="tf32 needs a CUDA device; a CPU has fp32 and bf16"):
        check(with_changes(tiny, {"recipe.precision": "tf32"}))


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_convolutions_compute_in_the_recipes_format_from_float32_weights(tiny, precision, dtype):
    conv = nn.Conv2d(3, 4, 3)
    with autocast(with_changes(tiny, {"recipe.precision": precision})):
        assert conv(torch.randn(1, 3, 8, 8)).dtype == dtype
    assert conv.weight.dtype == torch.float32


def test_a_compiled_net_shares_its_parameters_and_an_eager_one_is_itself(tiny):
    net = nn.Linear(2, 2)
    assert compiled(net, tiny) is net
    fused = compiled(net, replace(tiny, compiled=True))
    assert fused is not net
    assert [id(p) for p in fused.parameters()] == [id(p) for p in net.parameters()]
