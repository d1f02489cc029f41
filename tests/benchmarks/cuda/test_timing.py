"""The rows of the benchmark: their formulas, and on a CPU in place of a GPU one row per way of training."""

from dataclasses import replace

import pytest
import torch

from benchmarks.cuda import timing
from benchmarks.cuda.runs import Place, random_data
from benchmarks.cuda.timing import Effort
from benchmarks.floor import Rates
from benchmarks.speed import timed_spec


def small(*given):
    spec = timed_spec(*given)
    return replace(spec, data=replace(spec.data, train_images=10))


def test_a_row_is_its_formula():
    """ResNet-20: 40.55 million multiply-adds per image of 32x32 (He et al. 2015 give 0.27 million parameters)."""
    spec = small("resnet20", "bf16", "cpu", 128)
    row = timing._row("resnet20", "bf16", 64_000.0, 8_000.0, spec, random_data(spec, 10), Rates(1e12, 1e9), 245)
    assert (row.step_ms, row.ratio, row.kernels) == (2.0, 8.0, 245)
    assert row.flop_share == pytest.approx(3 * 2 * 40.55e6 * 64_000 / 1e12, rel=1e-2)
    single = small("resnet20", "fp32", "cpu", 128)
    other = timing._row("resnet20", "fp32", 64_000.0, 8_000.0, single, random_data(single, 10), Rates(1e12, 1e9))
    assert other.byte_share == pytest.approx(2 * row.byte_share)  # four bytes per value instead of two


def test_a_cpu_has_no_kernels_to_count():
    spec = small("resnet20", "fp32", "cpu", 16)
    assert timing.kernels(spec, random_data(spec, 10)) is None


@pytest.mark.slow
def test_every_way_of_training_has_a_row(tmp_path):
    """Needs CIFAR-10."""
    effort = Effort(nets=("resnet20",), settings=("fp32",), batch=16, block_s=0.2, repeats=1, runs=2)
    before = torch.get_num_threads()
    rows = list(timing.measure(Place("cpu", tmp_path), effort))
    torch.set_num_threads(before)
    assert [row.setting for row in rows] == ["usual loop", "fp32", "fp32, 2 in parallel"]
    assert rows[0].ratio == 1.0
    assert all(row.step_ms == pytest.approx(1000 * 16 / row.images_per_s) for row in rows)
    assert all(0 < row.flop_share < 1 and 0 < row.byte_share < 2 for row in rows)
