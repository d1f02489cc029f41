"""What is measured on the test set beside loss and error: one row per metric, chosen with `--metrics`.

`register_metric` adds a row from a user's own file.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Callable, Iterable, Sequence

import torch
import torch.nn.functional as F

from analysis.schema import METRICS, Metric
from experiments.spec import SpecError

Measure = Callable[[torch.Tensor, torch.Tensor], float]
BINS = 15
TRIAL_IMAGES = 8  # per class, in `check_metrics`
TAKEN = frozenset({*METRICS, "loss"})


def error(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """100 (images whose highest logit is not their label's) / N."""
    return 100 * (logits.argmax(1) != labels).double().mean().item()


def top5_error(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """100 (images whose label is not among the five highest logits) / N; with five classes or fewer always 0."""
    from torchmetrics.functional.classification import multiclass_accuracy

    classes = logits.shape[1]
    found = multiclass_accuracy(logits, labels, classes, average="micro", top_k=min(5, classes))
    return 100 - 100 * float(found)


def balanced_error(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """100 (1 - mean over classes of recall), over the classes that have test images (Brodersen et al. 2010)."""
    from torchmetrics.functional.classification import multiclass_recall

    recalls = multiclass_recall(logits, labels, logits.shape[1], average=None)
    return 100 - 100 * float(recalls[labels.unique()].mean())


def macro_f1(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """100 mean over classes of 2 TP / (2 TP + FP + FN); a class with neither images nor predictions is left out."""
    from torchmetrics.functional.classification import multiclass_f1_score

    return 100 * float(multiclass_f1_score(logits, labels, logits.shape[1], average="macro"))


def nll(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """-mean log softmax(logits)[label], in nats."""
    return F.cross_entropy(logits.double(), labels).item()


def ece(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """100 sum over bins of (n_b / N) |accuracy_b - confidence_b|, 15 bins of equal width (Guo et al. 2017, eq. 3)."""
    from torchmetrics.functional.classification import multiclass_calibration_error

    return 100 * float(multiclass_calibration_error(logits.softmax(1), labels, logits.shape[1], n_bins=BINS, norm="l1"))


MEASURES: dict[str, Measure] = {
    "error": error,
    "top5_error": top5_error,
    "balanced_error": balanced_error,
    "macro_f1": macro_f1,
    "nll": nll,
    "ece": ece,
}
FACTS: dict[str, Metric] = dict(METRICS)


def register_metric(
    name: str, measure: Measure, *, label: str | None = None, unit: str = "", lower_is_better: bool = True
) -> None:
    """Add a metric: `measure(logits, labels)` of the whole test set, float32 (N, classes) and int64 (N,), one number.

    The logits of an image are known up to a constant: its highest is 0. It is logged as `test/<name>`. A name can be
    registered again, since files are loaded again. Raises SpecError for a name that is built in or cannot be a key.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise SpecError(f"{name!r} is not a valid name for a metric: use lower-case letters, digits and _")
    if name in TAKEN:
        raise SpecError(f"the metric {name!r} is built in; choose another name")
    FACTS[name] = Metric(name, label or name.replace("_", " "), unit, lower_is_better)
    MEASURES[name] = measure


def measure(names: Sequence[str], logits: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """{"test/<name>": value} of `predictions.kept` logits (N, classes): in float32 on the CPU, the same everywhere.

    NaN where a logit is not finite: the run has diverged.
    """
    if not names:
        return {}
    logits, labels = logits.float().cpu(), labels.cpu()
    finite = bool(logits.isfinite().all())
    return {f"test/{name}": float(MEASURES[name](logits, labels)) if finite else math.nan for name in names}


def listed(text: str, *more: str) -> tuple[str, ...]:
    """The names in "top5_error,ece" and `more`, each once; the error is left out, for every run logs it."""
    names = [name.strip() for name in text.split(",")] + list(more)
    return tuple(dict.fromkeys(name for name in names if name and name != "error"))


def check_names(names: Iterable[str]) -> None:
    """Raise SpecError, one line, for a name that is not known."""
    for name in names:
        if name not in MEASURES:
            near = difflib.get_close_matches(name, MEASURES, n=1) or [known for known in MEASURES if name in known]
            hint = f"did you mean {near[0]}? " if near else ""
            raise SpecError(f"unknown metric {name!r}; {hint}choose from {', '.join(MEASURES)}")


def check_metrics(names: Sequence[str], classes: int) -> None:
    """Raise SpecError, one line, for a name that is not known and for a function that does not give a number."""
    check_names(names)
    labels = torch.arange(classes).repeat(TRIAL_IMAGES)
    logits = torch.randn(len(labels), classes, generator=torch.Generator().manual_seed(0))
    for name in names:
        try:
            measure([name], logits, labels)
        except Exception as fault:  # a user's own function may raise anything
            reason = " ".join(str(fault).split())
            raise SpecError(
                f"the metric {name!r} fails for logits {tuple(logits.shape)} and labels {tuple(labels.shape)}: "
                f"{type(fault).__name__}: {reason}"
            ) from None


def facts_of(names: Iterable[str]) -> dict[str, dict[str, object]]:
    """What the analysis must know of the chosen metrics, for the W&B config: it reads logs alone."""
    return {name: {k: v for k, v in dataclasses.asdict(FACTS[name]).items() if k != "name"} for name in names}
