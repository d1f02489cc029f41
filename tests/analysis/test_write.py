"""What one ablation's output computes, and how often."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from rich.console import Console

from analysis import write
from analysis.results import findings
from analysis.study import study
from tests.analysis.example import ERRORS

ONCE = {
    study: ("read_declaration", "runs_that_count", "failed", "paper_cells", "stated_differences"),
    findings: (
        "protocol",
        "variants_table",
        "effects_table",
        "times_table",
        "claims_table",
        "verdict",
        "problems",
    ),
}


@pytest.mark.parametrize("kind", ["one_factor", "ladder"])
def test_everything_is_computed_once_for_all_outputs(ablation_runs, ablation_history, monkeypatch, tmp_path, kind):
    runs = ablation_runs(ERRORS, ablation__kind=kind, ablation__target_train_error=15.0)
    calls: Counter[str] = Counter()

    def counted(name, function):
        def call(*words, **options):
            calls[name] += 1
            return function(*words, **options)

        return call

    for module, names in ONCE.items():
        for name in names:
            monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
    written = write.conclude(Console(file=io.StringIO()), runs, ablation_history(runs), tmp_path)
    assert written[0].name == "report.html"
    assert {"table.md", "seeds.svg", "error_to_target.svg"} <= {path.name for path in written}
    assert calls == {name: 1 for names in ONCE.values() for name in names}
