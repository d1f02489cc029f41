"""Metrics by hand and against scikit-learn, which shares no code with torchmetrics; a user's own; bad names."""

import math

import numpy as np
import pytest
import sklearn.metrics as reference
import torch

from analysis.schema import METRICS
from experiments.spec import SpecError
from experiments.training import metrics
from experiments.training.metrics import MEASURES, check_metrics, facts_of, measure, register_metric

# Five images, three classes, as probabilities: predictions 0, 0, 1, 2, 1 for labels 0, 1, 1, 2, 0.
PROBABILITIES = [[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.1, 0.7, 0.2], [0.05, 0.05, 0.9], [0.2, 0.55, 0.25]]
LABELS = [0, 1, 1, 2, 0]


@pytest.fixture
def by_hand():
    return torch.tensor(PROBABILITIES).log(), torch.tensor(LABELS)


@pytest.fixture
def many():
    """1,000 images of 12 unequal classes, a third of them right by a wide margin."""
    draw = torch.Generator().manual_seed(1)
    labels = (torch.rand(1000, generator=draw) ** 2 * 12).long()
    logits = torch.randn(1000, 12, generator=draw)
    logits[torch.arange(1000), labels] += 4 * (torch.rand(1000, generator=draw) < 0.33)
    return logits, labels


@pytest.fixture
def own_names():
    """Names that a test registers are forgotten after it."""
    before = set(MEASURES)
    yield
    for name in set(MEASURES) - before:
        del MEASURES[name], metrics.FACTS[name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("error", 40.0),  # images 1 and 4
        ("top5_error", 0.0),  # three classes
        ("balanced_error", 100 * (1 - (1 / 2 + 1 / 2 + 1) / 3)),
        ("macro_f1", 100 * (1 / 2 + 1 / 2 + 1) / 3),  # TP, FP, FN: 1, 1, 1; 1, 1, 1; 1, 0, 0
        ("nll", -sum(math.log(p) for p in (0.8, 0.3, 0.7, 0.9, 0.2)) / 5),
        # Five bins of 15 hold one image each, but that of 0.5 and that of 0.55 are neighbours.
        ("ece", 100 * ((1 - 0.8) + (0.5 - 0) + (1 - 0.7) + (1 - 0.9) + (0.55 - 0)) / 5),
    ],
)
def test_values_by_hand(by_hand, name, value):
    assert MEASURES[name](*by_hand) == pytest.approx(value, abs=1e-4)


def test_values_of_scikit_learn(many):
    logits, labels = many
    truth, scores = labels.numpy(), logits.double().softmax(1).numpy()
    guess = scores.argmax(1)
    every = range(12)
    expected = {
        "error": 100 - 100 * reference.accuracy_score(truth, guess),
        "top5_error": 100 - 100 * reference.top_k_accuracy_score(truth, scores, k=5, labels=every),
        "balanced_error": 100 - 100 * reference.balanced_accuracy_score(truth, guess),
        "macro_f1": 100 * reference.f1_score(truth, guess, average="macro"),
        "nll": reference.log_loss(truth, scores, labels=every),
        "ece": calibration_error(scores.max(1), guess == truth),
    }
    assert expected.keys() == METRICS.keys()
    assert min(expected.values()) > 1  # none is at its bound
    found = measure(list(expected), logits, labels)
    assert found == pytest.approx({f"test/{name}": value for name, value in expected.items()}, abs=1e-4)


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Guo et al. 2017, equation 3, bin by bin."""
    total = 0.0
    for k in range(15):
        inside = (confidence > k / 15) & (confidence <= (k + 1) / 15)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return 100 * total


def test_a_class_without_test_images_does_not_count_for_the_balanced_error():
    logits = torch.tensor([[0.0, 1.0, 2.0], [3.0, 0.0, 0.0]])  # predictions 2 and 0 of labels 0 and 0
    assert MEASURES["balanced_error"](logits, torch.tensor([0, 0])) == pytest.approx(50)


def test_a_run_that_diverged_has_no_values(by_hand):
    logits, labels = by_hand
    logits[3, 1] = math.nan
    assert all(math.isnan(value) for value in measure(["error", "ece"], logits, labels).values())


def test_a_metric_of_ones_own(by_hand, own_names):
    def share_of_class_2(logits, labels):
        return (logits.argmax(1) == 2).float().mean()

    register_metric("share_2", share_of_class_2, label="share of class 2", lower_is_better=False)
    check_metrics(["share_2", "ece"], classes=3)
    assert measure(["share_2"], *by_hand) == {"test/share_2": pytest.approx(0.2)}
    facts = facts_of(["share_2", "error"])
    assert facts["share_2"] == {"label": "share of class 2", "unit": "", "lower_is_better": False, "published": None}
    register_metric("share_2", share_of_class_2)  # its file is loaded again


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ece", "the metric 'ece' is built in; choose another name"),
        ("loss", "the metric 'loss' is built in; choose another name"),
        ("my metric", "'my metric' is not a valid name for a metric: use lower-case letters, digits and _"),
    ],
)
def test_names_that_cannot_be_registered(name, message):
    with pytest.raises(SpecError) as error:
        register_metric(name, lambda logits, labels: 0.0)
    assert str(error.value) == message


def test_what_is_wrong_with_a_choice_of_metrics_is_said_in_one_line(own_names):
    with pytest.raises(SpecError, match=r"^unknown metric 'eec'; did you mean ece\? choose from error, top5_error, "):
        check_metrics(["error", "eec"], classes=10)
    register_metric("broken", lambda logits, labels: logits[:, 12].mean())
    with pytest.raises(SpecError, match=r"^the metric 'broken' fails for logits \(80, 10\) and labels \(80,\): Index"):
        check_metrics(["broken"], classes=10)
    register_metric("many", lambda logits, labels: logits)
    with pytest.raises(SpecError, match=r"^the metric 'many' fails for logits"):
        check_metrics(["many"], classes=10)
