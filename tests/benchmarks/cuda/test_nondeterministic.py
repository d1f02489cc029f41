"""The list of refused operators is PyTorch's, and the watch finds them on fake CUDA tensors."""

import pytest
import torch
import torch.nn.functional as F

from benchmarks.cuda.fake import NotRecordableError, Recorder, fake_cuda
from benchmarks.cuda.nondeterministic import OPERATORS, Watch, documented
from nets.layers import adaptive_avg_pool

IMPLIED = {"MaxUnpool1d"}  # calls max_unpool2d


def test_every_operator_is_one_of_pytorch():
    assert [name for name in OPERATORS if not hasattr(torch.ops.aten, name)] == []


def test_the_list_is_the_documented_one():
    """A version of PyTorch that documents another one needs a row for it."""
    assert documented() - IMPLIED == {row.documented for row in OPERATORS.values()} - {None}


@pytest.fixture(autouse=True)
def _permissive():
    """Under the setting itself, interpolate and median go other ways."""
    torch.use_deterministic_algorithms(False)
    yield
    torch.use_deterministic_algorithms(True)


def maps(*shape):
    return torch.zeros(*shape, device="cuda", requires_grad=True)


def labels(*shape):
    return torch.zeros(*shape, dtype=torch.int64, device="cuda")


REFUSED = {
    "_adaptive_avg_pool2d_backward": lambda: F.adaptive_avg_pool2d(maps(2, 3, 7, 7), 5).sum().backward(),
    "upsample_bilinear2d_backward": lambda: F.interpolate(maps(2, 3, 4, 4), 8, mode="bilinear").sum().backward(),
    "reflection_pad2d_backward": lambda: F.pad(maps(2, 3, 4, 4), (1, 1, 1, 1), "reflect").sum().backward(),
    "nll_loss2d_forward": lambda: F.cross_entropy(maps(2, 10, 4, 4), labels(2, 4, 4)),
    "kthvalue": lambda: maps(5).kthvalue(2),
    "median": lambda: maps(5, 5).median(0),
}
ACCEPTED = {
    "adaptive_avg_pool": lambda: adaptive_avg_pool(maps(2, 3, 7, 7), 5).sum().backward(),
    "one_by_one": lambda: F.adaptive_avg_pool2d(maps(2, 3, 7, 7), 1).sum().backward(),
    "cross_entropy": lambda: F.cross_entropy(maps(2, 10), labels(2)).backward(),
    "max_pool2d": lambda: F.max_pool2d(maps(2, 3, 8, 8), 3, 2).sum().backward(),
    "median of all": lambda: maps(5).median(),
}


def watched(action):
    with fake_cuda(), Watch() as watch:
        action()
    assert watch.calls
    return watch.refused


@pytest.mark.parametrize("name", REFUSED)
def test_what_pytorch_refuses_is_found(name):
    assert name in watched(REFUSED[name])


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_pytorch_accepts_is_not(name):
    assert watched(ACCEPTED[name]) == set()


@pytest.mark.parametrize(
    "action",
    [
        lambda: maps(3).sum().item(),
        lambda: labels(3).nonzero(),
        lambda: labels(3).tolist(),
        lambda: maps(3).detach().to("cpu"),
        lambda: labels(3).copy_(torch.ones(3, dtype=torch.int64)),
    ],
)
def test_what_a_graph_cannot_hold_is_refused_in_a_recording_alone(action):
    recorder = Recorder()
    with fake_cuda():
        recorder.run(lambda: labels(3).tolist())
        with pytest.raises(NotRecordableError):
            recorder.record(action)
        recorder.record(lambda: maps(3).detach().mul_(2))()
