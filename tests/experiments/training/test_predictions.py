"""Kept predictions: what is lost, what is not, and that they are the last epoch's."""

import math

import pytest
import torch

from experiments.training import predictions
from experiments.training.metrics import METRICS, measure
from experiments.training.predictions import kept
from experiments.training.train import train

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_best_class_stays_the_best_and_every_distance_to_it_within_a_two_thousandth():
    logits = 30 * torch.randn(2000, 100, generator=torch.Generator().manual_seed(0))
    distance = logits - logits.max(1, keepdim=True).values
    half = kept(logits)
    assert half.dtype == torch.float16
    assert torch.equal(half.argmax(1), logits.argmax(1))
    assert ((half - distance).abs() <= distance.abs() / 2000).all()


def test_close_and_far_logits():
    """In plain float16 both 1000.01 and 1000.02 are 1000; -1e6 is beyond its range."""
    half = kept(torch.tensor([[1000.01, 1000.02, -1e6]]))
    assert half.argmax(1).item() == 1
    assert half[0].tolist() == [pytest.approx(-0.01, rel=5e-3), 0, -65504]


def test_what_is_saved_comes_back(folder):
    assert predictions.load(folder) is None
    logits, labels = kept(torch.randn(300, 7)), torch.randint(7, (300,))
    predictions.save(folder, logits, labels)
    back = predictions.load(folder)
    assert torch.equal(back.logits, logits)
    assert torch.equal(back.labels, labels)
    assert back.labels.dtype == torch.int64
    assert [path.name for path in folder.iterdir()] == ["predictions.npz"]


def test_a_run_keeps_the_predictions_of_its_last_epoch(tiny, digits, folder):
    rows = []
    train(tiny, digits, folder, rows.append, measured=tuple(METRICS))
    found = predictions.load(folder)
    assert torch.equal(found.labels, digits.test.labels)
    assert rows[-1]["test/error"] == pytest.approx(100 * (found.logits.argmax(1) != found.labels).float().mean())
    last = {key: value for key, value in rows[-1].items() if key.removeprefix("test/") in METRICS}
    assert measure(list(METRICS), found.logits, found.labels) == last
    assert last["test/nll"] == pytest.approx(rows[-1]["test/loss"], rel=5e-4)
    assert len({row["test/ece"] for row in rows}) == len(rows) == 5


def test_metrics_change_no_result(tiny, digits, tmp_path):
    rows = {}
    for name, measured in (("plain", ()), ("measured", ("ece", "macro_f1"))):
        (tmp_path / name).mkdir()
        rows[name] = []
        train(tiny, digits, tmp_path / name, rows[name].append, measured=measured)
    assert rows["measured"][-1].keys() - rows["plain"][-1].keys() == {"test/ece", "test/macro_f1"}
    for plain, measured in zip(rows["plain"], rows["measured"], strict=True):
        assert {key: value for key, value in plain.items() if not key.startswith("time/")} == {
            key: measured[key] for key in plain if not key.startswith("time/")
        }


def test_a_diverged_run_keeps_what_it_has(tiny, digits, folder):
    from experiments.spec import with_changes

    rows = []
    spec = with_changes(tiny, {"recipe.learning_rate": 1e38, "recipe.warmup": 0.0})
    assert train(spec, digits, folder, rows.append, measured=("ece",)) == "diverged"
    assert math.isnan(rows[-1]["test/ece"])
    assert len(predictions.load(folder).labels) == len(digits.test.labels)
