"""The workspace and the report: their JSON, loaded back by wandb-workspaces, shows every panel as it was meant."""

import pytest

from analysis.output import dashboard
from analysis.results.findings import Findings

pytest.importorskip("wandb_workspaces", reason="an optional requirement")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of wandb-workspaces itself

ERRORS = {"original": {0: 6.6, 1: 6.8, 2: 6.5}, "full_preact": {0: 6.3, 1: 6.4, 2: 6.2}}
CHARTS = ["test error (%), mean and range over the seeds", "Training error (%)"]
BARS = ["test error (%) of the last epoch, mean and range", "test error (%) of the last epoch, seed by seed"]
LOSSES = ["Test loss", "Training loss", "Learning rate"]


@pytest.fixture
def findings(ablation_runs, ablation_history):
    runs = ablation_runs(ERRORS)
    history = ablation_history(runs)
    for unit in range(2):
        history[f"signal/activation/{unit:02}"] = 1.0
    return Findings.from_frames(runs, history)


def test_the_workspace_loaded_back(findings):
    from wandb_workspaces import workspaces as ws
    from wandb_workspaces.workspaces import internal

    page = dashboard.workspace(findings, "lab", "resnet_preact")
    loaded = ws.Workspace._from_model(internal.View.model_validate_json(dashboard.to_json(page)))
    assert dashboard.panels(loaded) == dashboard.panels(page)
    assert [section.name for section in loaded.sections] == [
        "Errors",
        "Losses and learning rate",
        "Time",
        "Runs compared",
        "Signals",
    ]
    shown = {panel.title: panel for section in loaded.sections for panel in section.panels if hasattr(panel, "title")}
    assert list(shown) == [*CHARTS, *BARS, *LOSSES, "Seconds per epoch", "Images per second", "Size of the activations"]
    curve = shown[CHARTS[0]]
    assert (curve.groupby_aggfunc, curve.groupby_rangefunc) == ("mean", "minmax")
    assert [str(metric.name) for metric in shown["Size of the activations"].y] == [
        "unit_signals/activation/00",
        "unit_signals/activation/01",
    ]
    assert loaded.runset_settings.baseline_run == "original0"
    assert (loaded.entity, loaded.project) == ("lab", "resnet_preact")


def test_the_report_loaded_back(findings):
    import wandb_workspaces.reports.v2 as wr
    from wandb_workspaces.reports.v2 import internal

    page = dashboard.report(findings, "lab", "resnet_preact")
    loaded = wr.Report._from_model(internal.ReportViewspec.model_validate_json(dashboard.to_json(page)))
    assert dashboard.panels(loaded) == dashboard.panels(page)
    titles = [panel.partition(": ")[2] for panel in dashboard.panels(loaded)]
    assert titles == [
        *(f"LinePlot {title}" for title in CHARTS),
        *(f"BarPlot {title}" for title in BARS),
        *(f"LinePlot {title}" for title in LOSSES),
        "RunComparer",
    ]
    assert "6.61" in dashboard.to_json(loaded)  # He et al. 2016, Table 2: original, ResNet-110
    assert loaded.description == "Where do BN and ReLU belong?"
