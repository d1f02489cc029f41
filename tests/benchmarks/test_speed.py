"""The measurement measures what it says: ours is a real epoch, the usual loop is SGD, the floor is its formula."""

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import DeviceType

from benchmarks import floor as floor_module
from benchmarks.floor import Rates, floor, measure_rates
from benchmarks.speed import Result
from benchmarks.step_profile import STEPS, own_times
from benchmarks.usual_loop import CHANNEL_MEAN, CHANNEL_STD, PillowImages, UsualLoop
from experiments.data.augment import Batches
from experiments.data.load import Dataset, Split
from experiments.planning.throughput import TimedTraining
from experiments.spec import DataSpec, NetSpec, Recipe, RunSpec
from experiments.training.optimisers import make_optimiser
from experiments.training.step import Step
from experiments.training.train import build_net, train_epoch


@pytest.fixture(scope="module")
def colours():
    stream = torch.Generator().manual_seed(0)
    split = Split(
        torch.randint(256, (64, 3, 32, 32), generator=stream, dtype=torch.uint8),
        torch.randint(10, (64,), generator=stream),
    )
    return Dataset("cifar10", split, split, 10)


SPEC = RunSpec(NetSpec("resnet8"), DataSpec("cifar10"), Recipe(batch_size=16))


def test_a_block_of_ours_is_an_epoch_of_the_training_loop(colours):
    rows = []
    loop = TimedTraining(SPEC, colours, 3, rows.append)
    assert loop.block(3) > 0
    spec = replace(SPEC, data=replace(SPEC.data, train_images=48), recipe=replace(SPEC.recipe, iterations=1_000_000))
    net = build_net(spec, colours).to(memory_format=torch.channels_last)
    split = Split(colours.train.images[:48], colours.train.labels[:48])
    row = train_epoch(Step(net, make_optimiser(net, spec), None, spec, Batches(spec, split)), spec, 0)
    assert rows == [{"epoch": 1, **row}]
    expected, got = net.state_dict(), loop.step.net.state_dict()
    assert all(torch.equal(expected[name], got[name]) for name in expected)


def test_a_block_of_the_usual_loop_is_sgd_on_its_loaders_batches(colours):
    net = build_net(SPEC, colours)
    twin = build_net(SPEC, colours)
    loop = UsualLoop(net, colours.train, "cpu", 16, workers=0)
    torch.manual_seed(3)
    assert loop.block(2) > 0
    torch.manual_seed(3)
    velocity = {name: torch.zeros_like(p) for name, p in twin.named_parameters()}
    batches = iter(loop.loader)
    for _ in range(2):
        images, labels = next(batches)
        twin.zero_grad()
        F.cross_entropy(twin(images), labels).backward()
        with torch.no_grad():
            for name, p in twin.named_parameters():
                velocity[name] = 0.9 * velocity[name] + p.grad + 1e-4 * p
                p -= 0.1 * velocity[name]
    for (name, p), q in zip(twin.named_parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(p, q, msg=name)


def test_the_usual_loop_crops_mirrors_and_normalises_as_such_loops_do(colours):
    """Every pixel of an image is one of the original's, normalised, or padding."""
    images = PillowImages(colours.train)
    image, label = images[5]
    assert label == colours.train.labels[5]
    assert image.shape == (3, 32, 32)
    for channel in range(3):
        original = (colours.train.images[5, channel].float() / 255 - CHANNEL_MEAN[channel]) / CHANNEL_STD[channel]
        padding = torch.tensor([-CHANNEL_MEAN[channel] / CHANNEL_STD[channel]])
        allowed = torch.cat([original.flatten(), padding])
        assert torch.isin((image[channel] * 1e4).round(), (allowed * 1e4).round()).all()


def test_the_floor_is_the_formula():
    """Conv 3 -> 4, 3x3 on 8x8: 6,912 multiply-adds, 256 values; linear 256 -> 10: 2,560 and 10."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
    least = floor(net, (3, 8, 8), batch=5, rates=Rates(flop_per_s=1e6, byte_per_s=1e3), bytes_per_value=4)
    assert least.arithmetic_s == pytest.approx(3 * 2 * (6_912 + 2_560) * 5 / 1e6)
    assert least.traffic_s == pytest.approx(4 * (256 + 10) * 4 * 5 / 1e3)
    assert least.step_s == max(least.arithmetic_s, least.traffic_s)


def test_a_ratio_is_block_by_block():
    result = Result("resnet20", "fp32", [100.0, 50.0, 200.0], [150.0, 100.0, 200.0])
    assert result.ratios == [1.5, 2.0, 1.0]
    assert (result.ratio, result.usual, result.ours) == (1.5, 100.0, 150.0)


def test_an_operation_as_short_as_its_launch_is_timed_many_times(monkeypatch):
    calls = []
    monkeypatch.setattr(floor_module, "LEAST_S", 0.02)
    seconds = floor_module._seconds(lambda: (calls.append(1), time.sleep(0.001)), "cpu")
    assert len(calls) > 20
    assert 0.001 <= seconds < 0.01


def test_rates_are_positive_and_of_the_machine():
    rates = measure_rates("cpu", torch.float32, repeats=1)
    assert 1e8 < rates.flop_per_s < 1e15
    assert 1e7 < rates.byte_per_s < 1e13


def row(key, kind, count, cpu=0.0, device=0.0, annotation=False):
    return SimpleNamespace(
        key=key, device_type=kind, count=count, self_cpu_time_total=cpu, self_device_time_total=device,
        is_user_annotation=annotation,
    )  # fmt: skip


def test_a_kernel_counts_once():
    """PyTorch's profiler gives its time in the operator's row, in its own, and in those of annotations around it."""
    rows = [
        row("aten::cudnn_convolution", DeviceType.CPU, STEPS, cpu=50.0, device=900.0),
        row("sm90_xmma_fprop", DeviceType.CUDA, STEPS, device=900.0),
        row("vectorized_elementwise_kernel", DeviceType.CUDA, 3 * STEPS, device=100.0),
        row("Optimizer.step#SGD.step", DeviceType.CUDA, STEPS, device=1000.0, annotation=True),
        row("aten::add", DeviceType.CPU, STEPS, cpu=10.0),
    ]
    assert own_times(rows) == (
        {"sm90_xmma_fprop": 0.9 / STEPS, "vectorized_elementwise_kernel": 0.1 / STEPS},
        4,
    )


def test_without_a_gpu_an_operator_counts_its_own_time():
    rows = [row("aten::add", DeviceType.CPU, STEPS, cpu=10.0), row("aten::mul", DeviceType.CPU, STEPS, cpu=30.0)]
    assert own_times(rows) == ({"aten::add": 0.01 / STEPS, "aten::mul": 0.03 / STEPS}, 0)
