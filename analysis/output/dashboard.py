"""A study as a W&B workspace and a W&B report, built with wandb-workspaces from the study's own logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.output.render import to_markdown
from analysis.results.findings import Findings
from analysis.schema import SIGNAL, logged_as

if TYPE_CHECKING:
    from wandb_workspaces.reports.v2 import Report
    from wandb_workspaces.workspaces import Workspace

MOST_RUNS = 100  # in one panel
LOSSES = {"test/loss": "Test loss", "train/loss": "Training loss", "optim/lr": "Learning rate"}
TIMES = {"time/epoch_s": "Seconds per epoch", "time/images_per_s": "Images per second"}
SIGNALS = {"activation": "Size of the activations", "gradient": "Size of the gradients", "gate": "Mean of the gates"}


def workspace(findings: Findings, entity: str, project: str) -> Workspace:
    """A saved view: errors first, signals last; charts against epochs, one line per variant: mean and range."""
    from wandb_workspaces import workspaces as ws

    sections = [("Errors", errors(findings)), ("Losses and learning rate", lines(LOSSES)), ("Time", lines(TIMES))]
    sections += [("Runs compared", [comparer()]), ("Signals", signals(findings))]
    study = findings.study
    counted = study.runs[study.runs["variant"] == study.declared.baseline].sort_values("seed")
    return ws.Workspace(
        entity=entity,
        project=project,
        name=f"{study.declared.name} {profile(findings)}",
        sections=[
            ws.Section(name=name, panels=panels, is_open=at == 0)
            for at, (name, panels) in enumerate(sections)
            if panels
        ],
        settings=ws.WorkspaceSettings(x_axis="epoch"),
        runset_settings=ws.RunsetSettings(
            filters=[ws.Metric("JobType") == profile(findings)],
            groupby=[ws.Config("variant")],
            baseline_run=counted["run_id"].iloc[0] if len(counted) else None,
            pinned_columns=["run:displayName", "summary:test/error", "config:label.value"],
        ),
    )


def report(findings: Findings, entity: str, project: str, *, saved: bool = False) -> Report:
    """The verdict, the table of paper and ours, curves, bars and the run comparer.

    saved: the run set names the project, which wandb-workspaces looks up on the server.
    """
    import wandb_workspaces.reports.v2 as wr

    study = findings.study
    declared = study.declared
    runs = wr.Runset(
        entity=entity if saved else "",
        project=project if saved else "",
        name=f"{declared.name} {profile(findings)}",
        filters=f"Metric('JobType') == '{profile(findings)}'",
        groupby=["config.variant"],
    )
    verdict = findings.verdict.headline
    blocks: list[Any] = [
        wr.TableOfContents(),
        wr.H1("Verdict"),
        wr.P(verdict),
        wr.UnorderedList(list(findings.verdict.texts())),
        wr.H1("Paper and ours"),
        wr.MarkdownBlock(to_markdown(findings.variants)),
        wr.P(findings.protocol.note),
        wr.H1("Curves and bars"),
        wr.PanelGrid(runsets=[runs], panels=[*errors(findings), *lines(LOSSES)]),
        wr.H1("Runs compared"),
        wr.PanelGrid(runsets=[runs], panels=[comparer()]),
    ]
    if declared.deviations:
        said: list[Any] = [f"{one['what']}: paper: {one['paper']}; here: {one['ours']}" for one in declared.deviations]
        blocks += [wr.H1("Deviations from the paper"), wr.UnorderedList(said)]
    return wr.Report(
        entity=entity,
        project=project,
        title=f"{declared.name} {profile(findings)}",
        description=declared.question,
        width="fluid",
        blocks=blocks,
    )


def to_json(page: Workspace | Report) -> str:
    """What is sent to the server, as JSON."""
    return page._to_model().model_dump_json(by_alias=True, exclude_none=True, indent=2)


def panels(page: Workspace | Report) -> list[str]:
    """Every panel in its order: section or grid, kind, title."""
    groups: list[tuple[str, Any]] = [(section.name, section) for section in getattr(page, "sections", [])]
    heading = ""
    for block in getattr(page, "blocks", []):
        if hasattr(block, "panels"):
            groups.append((heading, block))
        heading = block.text if type(block).__name__ == "H1" else heading
    return [
        f"{name}: {type(panel).__name__} {getattr(panel, 'title', None) or ''}".rstrip()
        for name, group in groups
        for panel in group.panels
    ]


def errors(findings: Findings) -> list[Any]:
    """Curves of test and training error; the last error per variant, with its range, and per run, seed by seed."""
    import wandb_workspaces.reports.v2 as wr

    metric = findings.study.metric
    test, label = f"test/{metric.name}", metric.heading
    curves = lines({test: f"{label}, mean and range over the seeds", "train/error": "Training error (%)"})
    bars = wr.BarPlot(
        title=f"{label} of the last epoch, mean and range", metrics=[test], groupby="config.variant",
        groupby_aggfunc="mean", groupby_rangefunc="minmax", orientation="h", max_runs_to_show=MOST_RUNS,
    )  # fmt: skip
    seeds = wr.BarPlot(
        title=f"{label} of the last epoch, seed by seed", metrics=[test], orientation="h", max_runs_to_show=MOST_RUNS,
        groupby="config.seed", groupby_aggfunc="samples", groupby_rangefunc="samples",
    )  # fmt: skip
    return [*curves, bars, seeds]


def lines(titles: dict[str, str]) -> list[Any]:
    """One chart per metric, against the epoch: a line per variant at the mean, a band from minimum to maximum."""
    import wandb_workspaces.reports.v2 as wr

    return [
        wr.LinePlot(
            title=title, x="epoch", y=[metric], smoothing_factor=0, max_runs_to_show=MOST_RUNS,
            groupby="config.variant", groupby_aggfunc="mean", groupby_rangefunc="minmax",
        )
        for metric, title in titles.items()
    ]  # fmt: skip


def signals(findings: Findings) -> list[Any]:
    """One chart per kind of signal, a line per run and unit; only the first seed of a variant logs them."""
    import wandb_workspaces.reports.v2 as wr

    metrics = list(findings.study.history)
    units: dict[str, list[Any]] = {
        kind: [logged_as(name) for name in metrics if name.startswith(f"{SIGNAL}{kind}/")] for kind in SIGNALS
    }
    return [
        wr.LinePlot(title=SIGNALS[kind], x="epoch", y=names, smoothing_factor=0, max_runs_to_show=MOST_RUNS)
        for kind, names in units.items()
        if names
    ]


def comparer() -> Any:
    import wandb_workspaces.reports.v2 as wr

    return wr.RunComparer(diff_only="split")


def profile(findings: Findings) -> str:
    return str(findings.study.runs["profile"].iloc[0])
