"""How many runs in parallel: bounded by cores, memory and their own number; on a GPU by what twice as many gain."""

import math

import pytest
import torch

from experiments import machine
from experiments.planning import concurrency
from experiments.planning.concurrency import Parallel
from experiments.planning.job import Job
from experiments.spec import DataSpec, NetSpec, Recipe, RunSpec

GB = 1e9


def spec_of(net="resnet20", **recipe):
    return RunSpec(NetSpec(net), DataSpec("cifar10"), Recipe(**recipe))


def test_memory_is_the_formula():
    """ResNet-20: a stem of convolution, BN, ReLU and no pooling, and nine units of seven layers: two convolutions, two
    BN, two ReLU, one shortcut. In units of 1,024 values: 16 maps of 32^2, then 32 of 16^2 and 64 of 8^2.
    """
    stem = 4 * 16
    stages = sum(3 * 7 * maps for maps in (16, 8, 4))
    values = 1024 * (stem + stages)
    for precision, bytes_per_value in (("fp32", 4), ("bf16", 2)):
        need = concurrency.memory_bytes(spec_of(precision=precision)) - 1.0 * GB - 60_000 * 3 * 32 * 32
        assert need == pytest.approx(1.2 * 128 * bytes_per_value * values, rel=0.02)


def test_as_many_as_cores_memory_and_runs_allow():
    need = concurrency.memory_bytes(spec_of())
    assert concurrency.most([spec_of()] * 9, memory=100 * GB, cores=4) == 4
    assert concurrency.most([spec_of()] * 3, memory=100 * GB, cores=4) == 3
    assert concurrency.most([spec_of()] * 9, memory=2.5 * need, cores=4) == 2
    assert concurrency.most([spec_of()] * 9, memory=0.1 * need, cores=4) == 1
    largest_decides = concurrency.most([spec_of(), spec_of("resnet164")], memory=2.5 * need, cores=4)
    assert largest_decides == 1
    assert concurrency.most([spec_of()] * 3, memory=math.inf, cores=4) == 3


@pytest.mark.parametrize(
    ("rates", "most", "expected"),
    [
        ({1: 100, 2: 180, 4: 300, 8: 310}, 64, Parallel(4, 3.0)),
        ({1: 100, 2: 105}, 64, Parallel(1, 1.0)),
        ({1: 100, 2: 200, 4: 400}, 7, Parallel(4, 4.0)),
        ({1: 100, 2: 0.0}, 64, Parallel(1, 1.0)),  # two did not fit
    ],
)
def test_twice_as_many_must_pay(rates, most, expected):
    assert concurrency.fastest(most, rates.__getitem__) == expected


def job(spec, tmp_path):
    return Job("planted", "original", "smoke", spec, {}, tmp_path, None, "disabled")


def test_runs_on_a_gpu_share_the_images_and_the_process():
    """CIFAR-10 is 0.184 GB once; each run adds what its activations take: 0.41 GB."""
    spec = spec_of(net="resnet20")
    own = concurrency.memory_bytes(spec) - 1.0 * GB - 60_000 * 3 * 32 * 32
    assert own == pytest.approx(0.41 * GB, rel=0.02)
    assert concurrency.most_on_gpu([spec] * 99, 60_000 * 3 * 32 * 32 + 5.5 * own) == 5
    assert concurrency.most_on_gpu([spec] * 3, 80 * GB) == 3
    assert concurrency.most_on_gpu([spec] * 99, 80 * GB) == 32
    assert concurrency.most_on_gpu([spec], 0.1 * GB) == 1


def test_a_cpu_is_not_timed(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "free_memory", lambda: 1000 * GB)
    monkeypatch.setattr(machine, "cores", lambda: 7)
    assert concurrency.plan_parallel([job(spec_of(), tmp_path)] * 99, math.inf) == Parallel(7, 7)


def test_a_device_whose_memory_is_unknown_trains_one_run_at_a_time(tmp_path):
    assert concurrency.plan_parallel([job(RunSpec(device="mps"), tmp_path)] * 99, math.inf) == Parallel(1, 1.0)


def test_a_gpu_is_timed_where_runs_take_long(tmp_path, monkeypatch):
    asked = []

    def images_per_s(spec, count, steps, repeats, data_dir):
        asked.append(count)
        if count == 8:
            raise concurrency.throughput.EndedEarlyError
        return [count * 100.0] * repeats

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (80 * GB, 80 * GB))
    monkeypatch.setattr(machine, "cores", lambda: 16)
    monkeypatch.setattr(concurrency.throughput, "images_per_s", images_per_s)
    jobs = [job(RunSpec(device="cuda"), tmp_path)] * 25
    assert concurrency.plan_parallel(jobs, sequential_s=60) == Parallel(1, 1.0)
    assert asked == []
    assert concurrency.plan_parallel(jobs, sequential_s=3600) == Parallel(4, 4.0)
    assert asked == [1, 2, 4, 8]
