"""What a run's W&B log contains: the words that training writes and the analysis reads. No heavy imports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

# What an ablation is: see `experiments.check`.
Kind = Literal["one_factor", "parts", "factorial", "ladder"]
Outcome = Literal["finished", "diverged"]  # as a run states it in its summary

# Settings that had another name in older logs and in the hash of a run: old name -> today's.
RENAMED: Mapping[str, str] = {
    "recipe.drops": "recipe.milestones",
    "recipe.drop_factor": "recipe.gamma",
    "recipe.average": "recipe.ema",
    "recipe.views": "recipe.test_crops",
    "recipe.colour_noise": "recipe.pca_noise",
}
# Where a run's config keeps the declaration of its ablation; older logs keep it under `ablation`, as the frames do.
DECLARATION = "study_declaration"
REPORT = "report"  # the job type of a study's summary, which is not a run of a variant
# W&B sorts panels by name, so logs keep signals under a name that comes after the errors (test, train); older logs and
# the frames say `signal/`.
SIGNAL, LOGGED_SIGNAL = "signal/", "unit_signals/"


def logged_as(metric: str) -> str:
    """The name of a metric in a log."""
    return f"{LOGGED_SIGNAL}{metric.removeprefix(SIGNAL)}" if metric.startswith(SIGNAL) else metric


def metric_of(logged: str) -> str:
    """The name of a logged metric in the frames."""
    return f"{SIGNAL}{logged.removeprefix(LOGGED_SIGNAL)}" if logged.startswith(LOGGED_SIGNAL) else logged


def renamed(config: Mapping[str, Any]) -> dict[str, Any]:
    """A flat config with the names that the analysis uses."""
    return {RENAMED.get(key, _of_ablation(key)): value for key, value in config.items()}


def _of_ablation(key: str) -> str:
    return f"ablation.{key.removeprefix(f'{DECLARATION}.')}" if key.startswith(f"{DECLARATION}.") else key


@dataclass(frozen=True)
class Metric:
    """A quantity of the test set that runs log as `test/<name>` and the analysis compares.

    label: in print. unit: "%", or "" for a plain number. published: the word for it in `analysis/published/cells.csv`;
    None: the papers' tables do not have it.
    """

    name: str
    label: str
    unit: str = ""
    lower_is_better: bool = True
    published: str | None = None

    @property
    def column(self) -> str:
        """Of a frame of runs."""
        return f"summary.test/{self.name}"

    @property
    def heading(self) -> str:
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @property
    def difference_unit(self) -> str:
        """Percentage points between two percentages."""
        return "pp" if self.unit == "%" else self.unit

    @property
    def digits(self) -> int:
        """After the decimal point, in print."""
        return 2 if self.unit == "%" else 4

    @property
    def sign(self) -> int:
        """Makes lower the better: 1, or -1 where higher is."""
        return 1 if self.lower_is_better else -1


@dataclass(frozen=True)
class Thumbnail:
    """A test image in a report: its class, and its picture as PNG."""

    label: str
    png: bytes


ERROR = Metric("error", "test error", "%", published="test_error")
# The functions that compute them are in `experiments.training.metrics`.
METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        ERROR,
        Metric("top5_error", "top-5 test error", "%", published="top5_error"),
        Metric("balanced_error", "balanced test error", "%"),
        Metric("macro_f1", "macro F1", "%", lower_is_better=False),
        Metric("nll", "negative log likelihood", "nats"),
        Metric("ece", "expected calibration error", "%"),
    )
}
