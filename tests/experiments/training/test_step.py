"""A recorded step is the step: bit for bit, through changes of the rate and a resume, on a stand-in for CUDA graphs."""

from dataclasses import replace

import pytest
import torch

from experiments.data.augment import Batches
from experiments.data.load import Dataset, Split
from experiments.spec import DataSpec, NetSpec, Recipe, RunSpec
from experiments.training import checkpoint, session
from experiments.training import step as step_module
from experiments.training.optimisers import make_optimiser
from experiments.training.step import RecordedStep, Step
from experiments.training.train import build_net, train_epoch
from tests.experiments.recording import Operators
from tests.experiments.training.test_resume import CASES, differing, trained

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {"width": 0.125}
# One small net of each family, with what its module does in training alone: heads, dropout, gates, LRN.
NETS = (
    ("resnet8", {"order": "full_preact", "shortcut": "exclusive_gate"}),
    ("resnet8", {"shortcut": "dropout", "downsample": "A"}),
    ("alexnet_cifar", {}),
    ("googlenet_cifar", {"norm": "lrn", "aux": "both", **SMALL}),
    ("inception_v4_cifar", {**SMALL, "blocks": (1, 1, 1)}),
    ("inception_resnet_cifar", {**SMALL, "blocks": (1, 1, 1)}),
    ("densenet40", {"growth": 4}),
    ("mobilenet", {"width": 0.25, "stem_stride": 1}),
    ("lenet5", {}),
    ("mnist_inception", {}),
    ("mnist_resnet", {"norm": True, "order": "full_preact"}),
)


@pytest.fixture
def few_tests(digits):
    return replace(digits, test=Split(digits.test.images[:40], digits.test.labels[:40]))


def recording(monkeypatch, kind=RecordedStep):
    """Have `train` record its steps; gives the recorders that it makes."""
    recorders = []

    def make(*parts):
        recorders.append(Operators())
        return kind(*parts, recorder=recorders[-1])

    monkeypatch.setattr(session, "make_step", make)
    return recorders


@pytest.mark.parametrize("case", CASES)
def test_a_recorded_run_is_the_run_also_killed_and_resumed(tiny, few_tests, tmp_path, monkeypatch, case):
    changes, net = CASES[case]
    spec = replace(tiny, net=net, recipe=replace(tiny.recipe, **{**changes, "iterations": 26}))
    rows, plain = trained(spec, few_tests, tmp_path / "plain")
    recorders = recording(monkeypatch)
    assert trained(spec, few_tests, tmp_path / "whole")[0] == rows
    assert len(recorders) == 1
    assert recorders[0].replays == spec.recipe.iterations - RecordedStep.EAGER
    # Warm-up of 3 steps, as many as are eager, and two milestones: three rates.
    assert recorders[0].recordings == 3
    trained(spec, few_tests, tmp_path / "parts", kill_after=2)
    assert trained(spec, few_tests, tmp_path / "parts")[0] == rows
    for folder in ("whole", "parts"):
        state = checkpoint.load(tmp_path / folder, spec.run_id)
        assert differing(plain, state) == []


class NeverAnew(RecordedStep):
    """A planted fault: the first recording, and its rate, are kept."""

    def advance(self, samples):
        if self.replay:
            self.rate = self.optimiser.param_groups[0]["lr"]
        super().advance(samples)


def test_a_rate_that_stays_in_its_recording_is_noticed(tiny, few_tests, tmp_path, monkeypatch):
    """The stand-in keeps what Python computed, as a CUDA graph does."""
    rows, _ = trained(tiny, few_tests, tmp_path / "plain")
    recording(monkeypatch, NeverAnew)
    assert trained(tiny, few_tests, tmp_path / "fault")[0] != rows


@pytest.mark.parametrize(("name", "options"), NETS, ids=lambda value: str(value) if value else "")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_of_every_family_can_be_recorded(name, options, precision):
    """Nothing in it waits for a value, and its replays train as steps do."""
    channels, side = (1, 28) if name.startswith(("lenet", "mnist")) else (3, 32)
    stream = torch.Generator().manual_seed(0)
    images = torch.randint(256, (32, channels, side, side), generator=stream, dtype=torch.uint8)
    split = Split(images, torch.randint(10, (32,), generator=stream))
    data = Dataset("mnist" if channels == 1 else "cifar10", split, split, 10)
    recipe = Recipe(iterations=1_000, batch_size=4, learning_rate=0.01, warmup=0.0, flip=True, precision=precision)
    spec = RunSpec(NetSpec(name, options), DataSpec(data.name, train_images=32), recipe)
    nets = []
    for kind in (Step, RecordedStep):
        net = build_net(spec, data).to(memory_format=torch.channels_last)
        more = {} if kind is Step else {"recorder": Operators()}
        train_epoch(kind(net, make_optimiser(net, spec), None, spec, Batches(spec, data.train), **more), spec, 0)
        nets.append(net.state_dict())
    assert all(torch.equal(nets[0][key], nets[1][key]) for key in nets[0])


def test_eager_and_recorded_steps_see_the_same_memory_and_strides(monkeypatch):
    """Libraries choose their kernels by strides: the draws of colour noise come transposed."""
    images = torch.zeros(48, 3, 32, 32, dtype=torch.uint8)
    split = Split(images.random_(generator=torch.Generator().manual_seed(0)), torch.zeros(48, dtype=torch.int64))
    recipe = Recipe(iterations=100, batch_size=8, warmup=0.0, pca_noise=0.1, crop_area=(0.1, 1.0), crop_size=32)
    spec = RunSpec(NetSpec("resnet8"), DataSpec("cifar10", train_images=48), recipe)
    net = build_net(spec, Dataset("cifar10", split, split, 10))
    seen = []
    monkeypatch.setattr(Batches, "make", spying(Batches.make, seen))
    step = RecordedStep(net, make_optimiser(net, spec), None, spec, Batches(spec, split), recorder=Operators())
    for k in range(RecordedStep.EAGER + 1):
        step(k)
    assert len(seen) == RecordedStep.EAGER + 1
    assert all(where == seen[0] for where in seen)


def spying(make, seen):
    def spied(batches, samples):
        seen.append([(values.data_ptr(), values.stride()) for values in samples])
        return make(batches, samples)

    return spied


def test_a_gpu_gets_the_recorded_step(tiny, digits, monkeypatch):
    monkeypatch.setattr(step_module, "CudaGraphs", Operators)
    net = build_net(tiny, digits)
    parts = (net, make_optimiser(net, tiny), None)
    batches = Batches(tiny, digits.train)
    assert type(step_module.make_step(*parts, tiny, batches)) is Step
    monkeypatch.setattr(torch, "zeros", lambda *shape, device: torch.empty(*shape).fill_(0))
    assert type(step_module.make_step(*parts, replace(tiny, device="cuda"), batches)) is RecordedStep


@pytest.mark.parametrize(
    ("changes", "recorded"),
    [
        ({}, True),
        ({"optimiser": "rmsprop"}, True),
        ({"optimiser": "adamw"}, False),  # counts its steps on the CPU
        ({"schedule": "cosine"}, False),  # another rate every step
        ({"warmup_shape": "linear"}, False),
        ({"mixup": 0.2}, False),  # drawn on the CPU
    ],
)
def test_steps_with_numbers_from_the_cpu_are_not_recorded(tiny, changes, recorded):
    assert step_module.is_recordable(replace(tiny, recipe=replace(tiny.recipe, **changes))) is recorded


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES)
def test_cuda_graphs_train_as_eager_steps_do(tiny, few_tests, tmp_path, monkeypatch, case):
    changes, net = CASES[case]
    spec = replace(tiny, net=net, device="cuda", recipe=replace(tiny.recipe, **{**changes, "iterations": 26}))
    splits = [Split(s.images.cuda(), s.labels.cuda()) for s in (few_tests.train, few_tests.test)]
    data = Dataset(few_tests.name, *splits, few_tests.classes)
    rows, graphs = trained(spec, data, tmp_path / "graphs")
    monkeypatch.setattr(session, "make_step", Step)
    expected, eager = trained(spec, data, tmp_path / "eager")
    assert rows == expected
    assert differing(eager, graphs) == []
