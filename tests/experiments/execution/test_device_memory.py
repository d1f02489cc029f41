"""A GPU's memory is asked for before anything is decoded or trained, and a lack of it is one line."""

from dataclasses import replace

import pytest
import torch

from experiments.data.load import held_bytes
from experiments.execution import device_memory, run
from experiments.execution.attempt import attempt
from experiments.execution.device_memory import check_device_memory, check_images_fit, step_fits
from experiments.loading import Loading
from experiments.planning.job import Job
from experiments.spec import DataSpec, NetSpec, RunSpec, SpecError
from experiments.training.session import Control

CIFAR10 = RunSpec(NetSpec("resnet20"), DataSpec("cifar10"), device="cuda")


@pytest.fixture
def gpu(monkeypatch):
    """A GPU with so many bytes free, on which steps of up to so many images fit."""

    def make(free, batch=1000):
        tried = []

        def fits(spec, images, beside=0):
            tried.append((spec.net.name, images, beside))
            return images <= batch

        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (free, free))
        monkeypatch.setattr(device_memory, "step_fits", fits)
        return tried

    return make


def test_images_are_one_byte_per_channel_and_pixel():
    assert held_bytes(CIFAR10, Loading()) == 60_000 * 3 * 32 * 32


def test_the_largest_run_is_tried_beside_its_images(gpu):
    tried = gpu(free=1e9)
    check_device_memory([CIFAR10, replace(CIFAR10, net=NetSpec("resnet56")), CIFAR10])
    assert tried == [("resnet56", 128, held_bytes(CIFAR10, Loading()))]


def test_a_step_that_does_not_fit_is_one_line_that_names_the_batch_that_does(gpu):
    gpu(free=1e9, batch=40)
    with pytest.raises(
        SpecError, match="resnet20: the GPU has no memory for a step with batches of 128; batches of 32"
    ):
        check_device_memory([CIFAR10])


def test_images_that_do_not_fit_are_refused_before_they_are_decoded(gpu, tmp_path, monkeypatch):
    gpu(free=0.1 * 2**30)
    with pytest.raises(SpecError, match=r"cifar10: the images need 0.2 GiB of GPU memory, and 0.1 GiB are free"):
        check_images_fit(CIFAR10)
    monkeypatch.setattr(run, "load_for", lambda *given: pytest.fail("decoded"))
    job = Job("planted", "original", "smoke", CIFAR10, {}, tmp_path, None, "disabled")
    ended = attempt(job, lambda row: None, Control(), alone=True)
    assert (ended.known, ended.result) == (True, None)
    assert "\n" not in str(ended.error)


def test_a_cpu_is_not_asked(monkeypatch):
    monkeypatch.setattr(device_memory, "step_fits", lambda *given: pytest.fail("tried"))
    check_device_memory([replace(CIFAR10, device="cpu")])


def test_a_step_is_tried_with_memory_held_for_the_images(tiny):
    assert step_fits(tiny, 2, beside=1000)
    assert not step_fits(tiny, 2, beside=2**50)
