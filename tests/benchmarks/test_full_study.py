"""The full study on paper adds up: by hand for one run, and by its bounds for all."""

import pytest

from benchmarks import full_study
from benchmarks.full_study import Args, Cost, cost_of, hours, size
from experiments.spec import NetSpec, RunSpec


def test_a_run_of_resnet20_by_hand():
    """64,000 steps of 128 images of CIFAR-10; the test set after each of the 164 epochs costs a third per image."""
    spec = RunSpec(net=NetSpec("resnet20"))
    found = cost_of(spec, Args(kernel_us=0.0))
    multiply_adds, values = full_study.resnet50()
    image_s = (found.seconds) / (64_000 * 128 + 164 * 10_000 / 3)
    share = image_s * 3000
    assert share >= 40_813_184 / multiply_adds  # the multiply-adds of ResNet-20 (He et al. 2016: 0.04e9)
    assert share == pytest.approx(max(40_813_184 / multiply_adds, full_study.activation_values(spec) / values))
    assert found.epochs == 164
    assert found.read_bytes == 60_000 * 3 * 32 * 32
    weights = 164 * 2 * 4 * 269_722  # parameters with shortcut A, and momenta, after each epoch
    assert found.written_bytes == pytest.approx(weights + full_study.LOG_BYTES + 164 * full_study.ROW_BYTES)


def test_resnet50_is_the_unit():
    multiply_adds, _ = full_study.resnet50()
    assert multiply_adds == pytest.approx(3.8e9, rel=0.02)  # He et al. 2016, Table 1


def test_hours_are_bounded_by_the_sum_and_by_the_longest():
    runs = [Cost(3600.0 * h, 1, 0, 0) for h in (1, 2, 9)]
    assert hours(runs, 1, 8) == 12
    assert hours(runs, 2, 1) == 9
    assert hours(runs, 3, 8) == 4
    assert hours(runs, 100, 9) == 1


@pytest.mark.parametrize(("count", "text"), [(0, "0.0 B"), (999, "999.0 B"), (1500, "1.5 kB"), (2.1e15, "2.1 PB")])
def test_sizes(count, text):
    assert size(count) == text
