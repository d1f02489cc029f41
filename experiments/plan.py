"""From an ablation and a profile to the list of runs, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nets
from experiments.ablation import Ablation, Overrides, with_seed
from experiments.datasets import DATASETS
from experiments.spec import RunSpec
from experiments.training.run import Job
from experiments.training.tracking import Mode
from nets import cost


def plan(
    ablation: Ablation,
    profile: str,
    overrides: Overrides,
    *,
    seeds: Sequence[int] | None = None,
    out: Path,
    data_dir: Path | None = None,
    wandb: Mode = "offline",
) -> list[Job]:
    """One job a variant and seed, seed by seed, so that an interrupted ablation has whole seeds. Raises SpecError."""
    specs = ablation.specs(profile, overrides)
    context = {name: {"ablation": declaration(ablation, profile), **costs(spec)} for name, spec in specs.items()}
    chosen = range(ablation.profiles[profile].seeds) if seeds is None else seeds
    return [
        Job(ablation.name, name, profile, with_seed(spec, seed), context[name], out, data_dir, wandb)
        for seed in chosen
        for name, spec in specs.items()
    ]


def declaration(ablation: Ablation, profile: str) -> dict[str, Any]:
    """What the analysis must know of the ablation. The paper's failure line holds for the paper's protocol only."""
    return {
        "name": ablation.name,
        "question": ablation.question,
        "factors": list(ablation.factors),
        "baseline": ablation.baseline,
        "variants": [variant.name for variant in ablation.variants],
        "labels": [variant.label for variant in ablation.variants],
        "published": ablation.published,
        "paper_net": ablation.paper_net,
        "failure_error": ablation.failure_error if profile == "paper" else None,
    }


def costs(spec: RunSpec) -> Mapping[str, int]:
    """Parameters, and multiply-adds for one image of the run's data set."""
    info = DATASETS[spec.data.name]
    options = {"num_classes": info.classes, "in_channels": info.shape[0], **spec.net.options}
    net = nets.build(spec.net.name, **options)
    return {"parameters": cost.parameters(net), "multiply_adds": cost.multiply_adds(net, info.shape)}
