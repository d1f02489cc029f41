"""Every sentence that a study's pages say, in one text per page; `golden/` holds them as they should read.

After a deliberate change, copy the text that the failing test names over its golden one and read the difference.
"""

from __future__ import annotations

import io
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from analysis import write
from analysis.output import report
from analysis.output.files import write_tables
from analysis.results.findings import Findings

GOLDEN = Path(__file__).with_name("golden")
RATES = ("0.01", "0.1")
CROSS = {f"{net}_{rate}": {"net.activation": net, "recipe.learning_rate": float(rate)}
         for net in ("relu", "tanh") for rate in RATES}  # fmt: skip


class Text(HTMLParser):
    """What a reader of the page sees, one line per element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.hidden = 0
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.hidden += tag in ("script", "style")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("script", "style")

    def handle_data(self, data):
        if not self.hidden and data.strip():
            self.lines.append(" ".join(data.split()))


def one_factor(ablation_runs) -> pd.DataFrame:
    """Two replicated, a contradicted and an undecided claim; one run each diverged, crashed, damaged and missing."""
    errors: dict[str, dict[int, float | None]] = {
        "original": {0: 6.5, 1: 6.6, 2: 6.7, 3: 6.55, 4: 6.65},
        "bn_after_add": {0: 8.0, 1: 8.2, 3: 8.1, 4: 8.15},
        "relu_before_add": {0: 6.0, 1: 6.0, 2: 6.1, 3: 6.02, 4: 6.1},
        "relu_only_preact": {0: 6.6, 1: None, 2: 6.9, 3: 6.5, 4: 6.8},
        "full_preact": {0: 6.3, 1: 6.35, 2: 6.45, 3: 6.3, 4: 6.4},
    }
    runs = ablation_runs(
        errors,
        ablation__fixed=["the recipe"],
        ablation__deviations=[{"what": "batches", "paper": "shuffled once", "ours": "shuffled each epoch"}],
        env__python="3.11.7",
    )
    runs.at[1, "damage"] = ["run.wandb: bad record at byte 512"]
    crashed = runs.iloc[[5]].assign(run_id="crashed", seed=2, outcome="crashed", name="bn_after_add-s2")
    return pd.concat([runs, crashed], ignore_index=True)


def factorial(ablation_runs) -> pd.DataFrame:
    """Two factors of two levels, another data set than the paper's, and a training error as target."""
    errors = {
        "relu_0.01": {0: 10.0, 1: 11.0, 2: 12.0}, "relu_0.1": {0: 9.0, 1: 10.0, 2: 11.5},
        "tanh_0.01": {0: 12.0, 1: 13.5, 2: 14.0}, "tanh_0.1": {0: 13.0, 1: 14.0, 2: None},
    }  # fmt: skip
    runs = ablation_runs(errors, data__name="digits", ablation__kind="factorial", ablation__target_train_error=20.0)
    names, factors = list(CROSS), ["net.activation", "recipe.learning_rate"]
    declared = {"variants": names, "labels": names, "levels": list(CROSS.values()), "factors": factors}
    declared |= {"baseline": "tanh_0.01", "published": "krizhevsky2012_figure1"}
    for key, value in declared.items():
        runs[f"config.ablation.{key}"] = [value] * len(runs)
    runs = runs.drop(columns="config.net.order")
    for path in factors:
        runs[f"config.{path}"] = [CROSS[name][path] for name in runs["variant"]]
    return runs


def ladder(ablation_runs) -> pd.DataFrame:
    """Three cumulative steps without a published table, one of which shows no difference."""
    errors = {"base": {0: 9.0, 1: 9.2, 2: 9.1}, "smooth": {0: 8.5, 1: 8.8, 2: 8.7}, "norm": {0: 8.5, 1: 8.9, 2: 8.6}}
    names = list(errors)
    return ablation_runs(
        errors, ablation__kind="ladder", ablation__variants=names, ablation__labels=names, ablation__baseline="base",
        ablation__steps=[None, "label smoothing", "BN in the head"], ablation__published=None,
    )  # fmt: skip


STUDIES = {study.__name__: study for study in (one_factor, factorial, ladder)}


@pytest.mark.parametrize("name", STUDIES)
def test_every_page_reads_as_it_should(name, ablation_runs, ablation_history, tmp_path):
    runs = STUDIES[name](ablation_runs)
    findings = Findings.from_frames(runs, ablation_history(runs))
    screen = Console(width=110, file=io.StringIO())
    write.show(screen, findings)
    texts = {
        "table.md": write_tables(findings, tmp_path / "tables", "table")[0].read_text(encoding="utf-8"),
        "terminal.txt": "\n".join(line.rstrip() for line in screen.file.getvalue().splitlines()) + "\n",
        "report.txt": "\n".join(Text(report.to_html(findings, {})).lines) + "\n",
    }
    for page, text in texts.items():
        (tmp_path / page).write_text(text, encoding="utf-8")
    for page, text in texts.items():
        golden = GOLDEN / f"{name}.{page}"
        assert text == golden.read_text(encoding="utf-8"), f"cp {tmp_path / page} {golden}"
