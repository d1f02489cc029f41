"""What a run's page shows in W&B: its names and tags, its notes, its config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.schema import DECLARATION
from experiments.execution.wandb_files import log_id
from experiments.planning.job import Job
from experiments.spec import nested


@dataclass(frozen=True)
class Page:
    """The words that `wandb.init` is given."""

    project: str
    group: str
    job_type: str
    name: str
    id: str
    tags: tuple[str, ...] = ()
    config: Mapping[str, Any] | None = None
    notes: str = ""
    entity: str | None = None


def page(job: Job, env: Mapping[str, Any]) -> Page:
    """The page of a planned run. env: versions, device and commit.

    In the config, the label and every factor's value stand at the top level, where the web page's columns, filters and
    groups find them; the declaration that the analysis reads comes after the settings.
    """
    spec, context = job.spec, dict(job.context)
    declared = context.pop("ablation", {})
    config = {**nested(spec), "variant": job.variant, "profile": job.profile, "env": dict(env), **context}
    if declared:
        at = declared["variants"].index(job.variant)
        factors = {f"factor.{path}": value for path, value in declared["levels"][at].items()}
        config |= {"label": declared["labels"][at], **factors, DECLARATION: declared}
    extra = job.destination
    return Page(
        project=extra.project or job.ablation,
        group=job.variant,
        job_type=job.profile,
        name=job.name,
        id=log_id(job),
        tags=tuple(dict.fromkeys((spec.data.name.partition(":")[0], spec.net.name, *extra.tags))),
        config=config,
        notes="\n\n".join(filter(None, (extra.notes, notes(declared, job.variant), f"Folder: `{job.folder}`"))),
        entity=extra.entity,
    )


def notes(declared: Mapping[str, Any], variant: str | None = None) -> str:
    """Question, variant, what is held fixed, and the deviations from the paper, as Markdown."""
    if not declared:
        return ""
    labels = dict(zip(declared["variants"], declared["labels"], strict=True))
    parts = [f"**{declared['question']}**", ", ".join(labels.values()) + f"; baseline: {labels[declared['baseline']]}."]
    if variant is not None:
        level = dict(zip(declared["variants"], declared["levels"], strict=True))[variant]
        set_to = ", ".join(f"`{path}` = {value}" for path, value in level.items())
        baseline = "the baseline" if variant == declared["baseline"] else f"baseline: {labels[declared['baseline']]}"
        parts[1] = f"Variant: {labels[variant]} ({set_to}); {baseline}."
    if declared["fixed"]:
        parts.append("\n".join(["Held fixed:", "", *(f"- {line}" for line in declared["fixed"])]))
    if declared["deviations"]:
        lines = [
            f"- {found['what']}: paper: {found['paper']}; here: {found['ours']}" for found in declared["deviations"]
        ]
        parts.append("\n".join(["Deviations from the paper:", "", *lines]))
    return "\n\n".join(parts)
