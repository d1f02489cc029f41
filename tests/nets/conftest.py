"""Checks that several families share."""

from collections.abc import Iterable, Sequence
from math import prod

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import nets
from nets import cost


@pytest.fixture
def assert_equals_reference():
    """check(ours, theirs, images, keys): both nets compute the same, in float64 with the same random weights.

    Outputs in evaluation and in training mode (one dropout mask), gradients of the input and of all parameters, running
    statistics. `keys` are the names in `theirs` in the order of our state; without them the orders agree.
    Nets may be built on the meta device, which saves the time to draw their own initial weights.
    """

    def check(ours: nn.Module, theirs: nn.Module, images: torch.Tensor, keys: Sequence[str] | None = None) -> None:
        names = dict(zip(ours.state_dict(), keys or theirs.state_dict(), strict=True))
        state = {key: _random_values(key, values) for key, values in theirs.state_dict().items()}
        theirs.load_state_dict(state, assign=True)
        ours.load_state_dict({name: state[key].clone() for name, key in names.items()}, assign=True)  # shapes agree
        inputs = [images.double().requires_grad_() for _ in (ours, theirs)]
        for mode in (False, True):
            a, b = (_outputs(net.train(mode), x) for net, x in zip((ours, theirs), inputs, strict=True))
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)
            _report("outputs in training" if mode else "outputs in evaluation", zip(a, b, strict=True))
        for outputs in (a, b):
            sum(output.square().sum() for output in outputs).backward()
        x, y = (each.grad for each in inputs)
        torch.testing.assert_close(x, y, rtol=1e-6, atol=1e-8)
        _report("gradient of the input", [(x, y)])
        gradients = {name: p.grad for name, p in theirs.named_parameters()}
        for name, p in ours.named_parameters():
            torch.testing.assert_close(p.grad, gradients[names[name]], rtol=1e-6, atol=1e-8, msg=name)
        _report("gradients of the weights", [(p.grad, gradients[names[n]]) for n, p in ours.named_parameters()])
        statistics = dict(theirs.named_buffers())
        for name, values in ((name, values) for name, values in ours.named_buffers() if name in names):
            torch.testing.assert_close(values, statistics[names[name]], rtol=1e-9, atol=1e-9, msg=name)

    return check


def _report(what: str, pairs: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> None:
    """`pytest -rP` shows it: the largest difference within a tensor, relative to the tensor's largest value."""
    relative = max(((a - b).abs().max() / b.abs().max().clamp_min(1e-300)).item() for a, b in pairs)
    print(f"{what}: largest relative difference {relative:.1e}")


def _random_values(name: str, like: torch.Tensor) -> torch.Tensor:
    """Weights that keep the signal's size; norms and biases away from 1 and 0."""
    if not like.is_floating_point():
        return torch.zeros(like.shape, dtype=like.dtype)
    values = torch.empty(like.shape)
    if like.ndim > 1:
        values.normal_(0, (2 / prod(like.shape[1:])) ** 0.5)
    elif "var" in name or "weight" in name:
        values.uniform_(0.5, 1.5)
    else:
        values.normal_(0, 0.2)
    return values.double()


def _outputs(net: nn.Module, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(0)
    outputs = net(images)
    return tuple(outputs) if isinstance(outputs, tuple) else (outputs,)


@pytest.fixture
def on_meta():
    """Builds a net without storage, which costs no time to fill."""

    def build(name: str, **options) -> nn.Module:
        with torch.device("meta"):
            return nets.build(name, **options)

    return build


@pytest.fixture
def counts(on_meta):
    """(parameters, multiply-adds) of a net, each counted by `nets.cost` and once more without it."""

    def count(name: str, shape: tuple[int, int, int], **options) -> tuple[int, int]:
        net = on_meta(name, **options).eval()
        with FlopCounterMode(display=False) as counter:
            net(torch.empty(1, *shape, device="meta"))
        rows = cost.trace(net, shape)
        parameters = sum(p.numel() for p in net.parameters())
        assert cost.parameters(net) == sum(row.parameters for row in rows) == parameters
        assert cost.multiply_adds(net, shape) == counter.get_total_flops() / 2
        return parameters, cost.multiply_adds(net, shape)

    return count


@pytest.fixture
def untrained():
    """Names of the parameters that no gradient reaches in training mode."""

    def names(net: nn.Module, images: torch.Tensor) -> list[str]:
        net.train()(images).square().sum().backward()
        return [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]

    return names


@pytest.fixture
def assert_keeps_logits():
    """check(net, images): evaluation gives the same logits in channels-last, and within 5 % of the largest in bf16."""

    @torch.no_grad()
    def check(net: nn.Module, images: torch.Tensor) -> None:
        plain = net.eval()(images)
        last = net.to(memory_format=torch.channels_last)(images.to(memory_format=torch.channels_last))
        torch.testing.assert_close(last, plain, rtol=1e-4, atol=1e-5)
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(images).float()
        torch.testing.assert_close(logits, plain, rtol=0, atol=0.05 * plain.abs().max().item())

    return check
