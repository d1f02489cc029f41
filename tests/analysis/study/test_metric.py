"""Any metric as the table's column and the verdict's quantity: direction, unit, published cells, missing values."""

import math

import pytest

from analysis.output.figures import FIGURES
from analysis.output.render import to_markdown
from analysis.output.terminal import to_rich
from analysis.results.findings import Findings
from analysis.schema import ERROR, METRICS
from analysis.stats.paired import summarise
from analysis.study import Study, TableError

# full_preact is above the baseline at each seed, by 2, 3 and 4.
VALUES = {"original": {0: 80.0, 1: 81.0, 2: 82.0}, "full_preact": {0: 82.9, 1: 84.0, 2: 85.1}}  # 3 more, within 0.1


@pytest.fixture
def measured(ablation_runs):
    """`measured("macro_f1", VALUES)`: runs with equal errors that also log this metric."""

    def frame(name, values, **changed):
        runs = ablation_runs({variant: dict.fromkeys(seeds, 10.0) for variant, seeds in values.items()}, **changed)
        own = [values[variant][seed] for variant, seed in zip(runs["variant"], runs["seed"], strict=True)]
        return runs.assign(**{f"summary.test/{name}": own})

    return frame


@pytest.mark.parametrize(("name", "word"), [("macro_f1", "better"), ("balanced_error", "worse")])
def test_the_metric_says_which_direction_is_better(measured, name, word):
    """Equal numbers, two readings."""
    findings = Findings.from_frames(measured(name, VALUES), metric=name)
    row = findings.variants.loc["full_preact"]
    assert (row["difference"], row["pairs"], row["reading"]) == (pytest.approx(3), 3, word)
    (line,) = (line for line in findings.verdict.lines if line.label == "full pre-activation")
    assert line.ours.startswith(f"{word} by 3.00 [+2.49, +3.51]")
    winner = "full_preact" if word == "better" else "original"
    assert list(findings.variants.index[findings.variants["best"]]) == [winner]


def test_failed_runs_rank_last_on_the_worse_side():
    assert summarise([1.0, 2.0], failed=1).median == 2
    assert summarise([1.0, 2.0], failed=1, sign=-1).median == 1
    assert math.isnan(summarise([1.0], failed=2, sign=-1).median)


def test_the_failure_line_is_one_of_the_error_whatever_is_compared(measured):
    runs = measured("macro_f1", VALUES, ablation__failure_error=20.0)
    runs.loc[(runs["variant"] == "full_preact") & (runs["seed"] == 0), "summary.test/error"] = 60.0
    row = Findings.from_frames(runs, metric="macro_f1").variants.loc["full_preact"]
    assert (row["n"], row["failed"], row["median"]) == (2, 1, 84)


def test_names_units_and_digits_are_the_metrics_own(measured):
    values = {name: {seed: value / 100 for seed, value in seeds.items()} for name, seeds in VALUES.items()}
    findings = Findings.from_frames(measured("nll", values), metric="nll")
    text = to_markdown(findings.variants)
    assert "| negative log likelihood (nats) |" in text
    assert "| difference (nats) |" in text
    assert "+0.0300 [+0.0249, +0.0351]" in text
    assert "median over seeds of the last epoch's negative log likelihood" in text
    assert "error" not in text
    headings = [str(column.header) for column in to_rich(findings.variants, 120).columns]
    assert headings[:3] == ["variant", "negative log\nlikelihood\nnats", "mean ± std\nnats"]
    assert "paper" not in text


def test_figures_bear_the_metrics_name(measured, ablation_history):
    runs = measured("ece", VALUES)
    study = Study.from_frames(runs, ablation_history(runs), "ece")
    drawn = {name: draw(study) for name, draw in FIGURES.items()}
    assert drawn["seeds"].axes[0].get_xlabel() == "expected calibration error (%), last epoch"
    dots = {x for line in drawn["seeds"].axes[0].lines for x in line.get_xdata() if x > 70}
    assert dots >= {80.0, 81.0, 82.0, 82.9, 84.0, 85.1}


def test_published_cells_are_compared_where_the_metric_is_the_same(measured):
    """Table 2 prints errors of CIFAR-10 alone: 6.61 of the original unit in ResNet-110."""
    runs = measured("ece", VALUES)
    error = Findings.from_frames(runs)
    assert error.variants.at["original", "paper"] == 6.61
    ece = Findings.from_frames(runs, metric="ece")
    assert ece.variants["paper"].isna().all()
    assert ece.claims.empty
    said = "Against the baseline in expected calibration error, which the papers do not print. "
    assert ece.verdict.header.startswith(said)


def test_published_top_5_errors_are_compared_with_top_5_errors(measured):
    """Szegedy et al. 2016, Table 2, single crop: Inception-v4 has 20.0 % top-1 and 5.0 % top-5 error."""
    settings = {
        "ablation__published": "szegedy2016_table2", "ablation__paper_net": None, "ablation__factors": ["net.name"],
        "ablation__variants": ["inception_v3", "inception_v4"], "ablation__labels": ["v3", "v4"],
        "ablation__baseline": "inception_v3", "data__name": "imagenet",
    }  # fmt: skip
    runs = measured("top5_error", {"inception_v3": {0: 7.0, 1: 7.2}, "inception_v4": {0: 6.0, 1: 6.1}}, **settings)
    runs = runs.assign(**{"config.net.name": runs["variant"], "config.net.order": "original"})
    assert Findings.from_frames(runs).variants["paper"].tolist() == [21.2, 20.0]
    assert Findings.from_frames(runs, metric="top5_error").variants["paper"].tolist() == [5.6, 5.0]


def test_a_users_metric_is_described_by_the_runs_themselves(measured):
    facts = {"label": "images per joule", "unit": "1/J", "lower_is_better": False}
    runs = measured("per_joule", VALUES, **{f"metrics__per_joule__{key}": value for key, value in facts.items()})
    findings = Findings.from_frames(runs, metric="per_joule")
    assert findings.study.metric.heading == "images per joule (1/J)"
    assert findings.variants.at["full_preact", "reading"] == "better"


def test_a_metric_that_no_run_logged(ablation_runs):
    runs = ablation_runs(VALUES)
    with pytest.raises(TableError) as error:
        Study.from_frames(runs, metric="ece")
    assert str(error.value) == (
        "no run has a value of the metric 'ece'; these have error. run_ablation.py with --metrics ece adds it, to "
        "finished runs too"
    )


def test_a_run_without_the_metric_does_not_count_and_is_named(measured):
    runs = measured("ece", VALUES)
    runs.loc[runs["run_id"] == "full_preact1", "summary.test/ece"] = math.nan
    findings = Findings.from_frames(runs, metric="ece")
    assert findings.variants.at["full_preact", "pairs"] == 2
    assert "full_preact-s1: its log has no test/ece, not counted" in findings.problems


def test_the_error_is_the_default_and_every_name_is_its_own(measured):
    assert Study.from_frames(measured("ece", VALUES)).metric is ERROR
    assert all(name == metric.name for name, metric in METRICS.items())
