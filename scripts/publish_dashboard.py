#!/usr/bin/env python3
"""Publish a study on a W&B server as a saved workspace and a report."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from experiments import temporary

if TYPE_CHECKING:
    from analysis.results.findings import Findings


@dataclass
class Args:
    """Save a study's workspace and report on a W&B server, made from its logs. Needs the package wandb-workspaces."""

    name: Annotated[str, tyro.conf.Positional]
    """The ablation, e.g. resnet_preact."""
    entity: str
    """The user or team on the server."""
    project: str | None = None
    """The project on the server. Default: the ablation's name."""
    source: str = "runs"
    """The folder that holds the logs at any depth, or entity/project on a W&B server."""
    profile: str | None = None
    """Only the runs of this profile. Needed where the logs hold several."""
    dry_run: bool = False
    """Write what would be sent, as JSON, and send nothing."""
    out: Path | None = None
    """Where --dry-run writes. Default: reports/NAME/PROFILE."""


def main(args: Args) -> int:
    try:
        import wandb_workspaces.workspaces  # noqa: F401
    except ImportError:
        return refuse("dashboards need the package wandb-workspaces: pip install -e '.[dashboards]'")
    from analysis import logs
    from analysis.output import dashboard, safe_text
    from analysis.results.findings import Findings
    from analysis.study import TableError

    try:
        runs, history = logs.load(args.source, profile=args.profile, ablation=args.name)
        profiles = sorted({name for name in runs["profile"] if name})
        if len(profiles) > 1:
            return refuse(f"{args.source} holds several profiles; choose one with --profile: {', '.join(profiles)}")
        findings = Findings.from_frames(runs, history)
        project = args.project or args.name
        if not args.dry_run:
            return publish(findings, args.entity, project)
        folder = args.out or Path("reports", *map(safe_text.folder, (args.name, *profiles)))
        folder.mkdir(parents=True, exist_ok=True)
        pages = {
            "workspace": dashboard.workspace(findings, args.entity, project),
            "report": dashboard.report(findings, args.entity, project),
        }
        for kind, page in pages.items():
            path = folder / f"{kind}.json"
            path.write_text(dashboard.to_json(page) + "\n", encoding="utf-8")
            print(path, *(f"  {panel}" for panel in dashboard.panels(page)), sep="\n")
    except (logs.LogsError, TableError) as error:
        return refuse(error)
    except OSError as error:
        return refuse(f"cannot write {error.filename or args.out}: {error.strerror}; name another folder with --out")
    return 0


def publish(findings: Findings, entity: str, project: str) -> int:
    """Save both on the server and print their addresses."""
    from analysis.output import dashboard
    from experiments.execution.wandb_check import UnavailableError, check
    from experiments.execution.wandb_environment import TrackingError

    try:
        check()
        print(dashboard.workspace(findings, entity, project).save().url)
        print(dashboard.report(findings, entity, project, saved=True).save().url)
    except (UnavailableError, TrackingError) as error:
        return refuse(f"{error}; --dry-run needs no server")
    return 0


def refuse(reason: object) -> int:
    print(f"publish_dashboard: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    args = tyro.cli(Args, description=Args.__doc__)
    temporary.use_own_folder()
    sys.exit(main(args))
