"""Runs that end while their training error still falls."""

import pandas as pd
import pytest

from analysis.results.convergence import convergence_lines, fall_per_epoch
from analysis.results.findings import Findings
from analysis.study import Study


def study(ablation_runs, curves: dict[str, list[float]]) -> Study:
    """One run of the baseline per curve of training errors."""
    runs = ablation_runs({"original": dict.fromkeys(range(len(curves)), 6.0)})
    rows = [
        {"run_id": run_id, "variant": "original", "epoch": epoch, "train/error": error}
        for run_id, curve in zip(runs["run_id"], curves.values(), strict=True)
        for epoch, error in enumerate(curve, start=1)
    ]
    return Study.from_frames(runs.assign(epochs=len(next(iter(curves.values())))), pd.DataFrame(rows))


def test_the_fall_is_over_the_last_tenth_and_at_least_one_epoch(ablation_runs):
    short = study(ablation_runs, {"a": [50.0, 30.0, 25.0], "b": [50.0, 40.0, 39.0]})
    assert list(fall_per_epoch(short)) == [5.0, 1.0]
    (line,) = convergence_lines(short)
    assert line.startswith(
        "Not converged: the training error of the last epoch is still falling by 3.0 percentage points an epoch "
        "(median of 2 runs)"
    )
    # of 40 epochs the last 4: (20 - 12) / 4
    long = study(ablation_runs, {"a": [90.0] * 35 + [20.0, 19.0, 13.0, 12.5, 12.0]})
    assert list(fall_per_epoch(long)) == [2.0]


def test_flat_or_rising_curves_are_converged_and_one_epoch_never_is(ablation_runs):
    assert convergence_lines(study(ablation_runs, {"a": [9.0, 3.0, 2.8], "b": [9.0, 3.0, 3.4]})) == []
    assert convergence_lines(study(ablation_runs, {"a": [9.0]})) == ["Not converged: the runs end after one epoch."]
    assert convergence_lines(Study.from_frames(ablation_runs({"original": {0: 6.0}}))) == []


@pytest.mark.parametrize("published", ["he2016_table2", None])
def test_the_verdict_says_so_before_its_last_line(ablation_runs, ablation_history, published):
    """Curves that fall by 10 an epoch; without a published table too."""
    runs = ablation_runs({"original": {0: 6.0, 1: 6.1}, "full_preact": {0: 5.0, 1: 5.1}}, ablation__published=published)
    said = Findings.from_frames(runs, ablation_history(runs)).verdict.texts()
    assert said[-2].startswith("Not converged: the training error of the last epoch is still falling by 10.0 ")
