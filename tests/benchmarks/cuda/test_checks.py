"""The checks of a GPU: on one as they are, on a CPU with a stand-in for CUDA graphs, and that each can fail."""

import pytest
import torch

from benchmarks.cuda import checks
from benchmarks.cuda.checks import CHECKS, Check, carry_out
from benchmarks.cuda.runs import CheckError, Place, differing, must_be_near, must_equal
from experiments.data.pca_noise import PcaNoise
from experiments.training import session, step
from experiments.training.step import RecordedStep
from tests.experiments.recording import Operators

BY_NAME = {check.name: check for check in CHECKS}
QUICK = ("recorded", "colours")


@pytest.mark.gpu
@pytest.mark.parametrize("check", [pytest.param(check, id=check.name) for check in CHECKS])
def test_on_a_gpu(check, tmp_path):
    print(check.run(Place("cuda", tmp_path)))


@pytest.mark.parametrize("name", QUICK)
def test_on_the_stand_in(name, stand_in):
    assert BY_NAME[name].run(stand_in)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in BY_NAME if name not in (*QUICK, "variants")])
def test_the_longer_ones_on_the_stand_in(name, stand_in):
    assert BY_NAME[name].run(stand_in)


@pytest.mark.slow
def test_variants_on_the_stand_in(stand_in):
    assert checks.variants(stand_in, limit=6).startswith("6 variants")


class FirstSamples(RecordedStep):
    """A planted fault: a recording that reads the samples of its first step for ever."""

    def advance(self, samples):
        self.kept = getattr(self, "kept", samples)
        super().advance(self.kept if self.replay else samples)


def test_a_recording_that_reads_old_samples_fails(stand_in, monkeypatch):
    monkeypatch.setattr(step, "make_step", lambda *parts: FirstSamples(*parts, recorder=Operators()))
    with pytest.raises(CheckError, match=r"recorded steps against eager ones: \d+ values differ"):
        checks.recorded(stand_in)


@pytest.mark.slow
def test_a_run_that_forgets_where_it_was_fails(stand_in, monkeypatch):
    def restore(self, state):
        whole(self, state)
        self.next_step += 1  # a planted fault: a step is left out

    whole = session.Session.restore
    monkeypatch.setattr(session.Session, "restore", restore)
    with pytest.raises(CheckError, match="stopped after 2 steps"):
        checks.resumed(stand_in)


def test_other_pixels_on_the_device_fail(stand_in, monkeypatch):
    noises = iter((1.0, 1.1))  # of the device and of the CPU
    real = PcaNoise.__init__

    def louder(noise, *given):
        real(noise, *given)
        noise.directions *= next(noises)

    monkeypatch.setattr(PcaNoise, "__init__", louder)
    with pytest.raises(CheckError, match="a pixel of an augmented batch differs by"):
        checks.colours(stand_in)


@pytest.mark.parametrize("late", [2 * checks.GROWTH["cpu"], 10**12])
def test_memory_that_grows_fails(stand_in, late):
    with pytest.raises(CheckError, match="memory grows over 33 runs"):
        checks._flat(10, late, stand_in, "over 33 runs")
    assert "no growth" in checks._flat(10, 10 + checks.GROWTH["cpu"], stand_in, "over 33 runs")


def test_what_a_check_raises_is_a_result(tmp_path):
    def wrong(place):
        raise CheckError("two runs differ")

    def broken(place):
        raise RuntimeError("CUDA error:\n misaligned address")

    results = [carry_out(Check("planted", "?", run), Place("cpu", tmp_path)) for run in (wrong, broken, lambda p: "ok")]
    assert [(result.passed, result.seen) for result in results] == [
        (False, "two runs differ"),
        (False, "RuntimeError: CUDA error: misaligned address"),
        (True, "ok"),
    ]
    assert [bool(result.trace) for result in results] == [False, True, False]


def test_states_are_compared_bit_for_bit():
    a = {"net": {"w": torch.tensor([1.0, 2.0])}, "rows": [{"loss": 1.0, "time/epoch_s": 3.0}]}
    b = {"net": {"w": torch.tensor([1.0, 2.0000002])}, "rows": [{"loss": 1.5, "time/epoch_s": 4.0}]}
    assert differing(a, b) == [".net.w", ".rows[0].loss"]
    assert differing(a, a) == []
    assert differing([1], [1, 2]) == [""]
    with pytest.raises(CheckError, match=r"runs: 2 values differ, the first is net\.w"):
        must_equal(a, b, "runs")


@pytest.mark.parametrize("value", [1.02, 0.98, float("nan"), float("inf")])
def test_values_beyond_the_tolerance_are_refused(value):
    assert must_be_near(1.005, 1.0, 0.01, "loss") == pytest.approx(0.005)
    with pytest.raises(CheckError, match="loss"):
        must_be_near(value, 1.0, 0.01, "loss")
