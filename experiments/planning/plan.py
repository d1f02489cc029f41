"""From an ablation and a profile to the list of runs, and the cost of each."""

from __future__ import annotations

import dataclasses
import functools
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

import nets
from analysis.rounds import Rounds
from experiments.ablation import Ablation, Overrides
from experiments.overrides import lacks_images
from experiments.planning.choices import check_choices
from experiments.planning.job import Job, Mode
from experiments.spec import RunSpec, SpecError
from experiments.training.metrics import check_metrics, facts_of
from experiments.training.shared_step import check_shared
from experiments.user_file import check_unchanged
from nets import cost

IMAGENET_CLASSES = 1000


def plan(
    ablation: Ablation,
    profile: str,
    overrides: Overrides,
    *,
    seeds: Sequence[int] | None = None,
    out: Path,
    data_dir: Path | None = None,
    wandb: Mode = "offline",
    metrics: Sequence[str] = (),
    rounds: Rounds | None = None,
) -> list[Job]:
    """One job per variant and seed, seed by seed, so that an interrupted study has complete seeds. Raises SpecError.

    rounds: where seeds are added on demand, the jobs are all that may be needed.
    """
    specs = ablation.specs(profile, overrides)
    if any(lacks_images(spec) for spec in specs.values()):
        raise SpecError(
            f"{ablation.name}: profile {profile} trains on ImageNet; name your copy with --dataset imagefolder:PATH "
            "(images in PATH/train/CLASS and PATH/val/CLASS), or choose another profile"
        )
    declared = declaration(ablation, profile, overrides, rounds)
    for name, spec in specs.items():
        try:
            check_choices(spec)
            check_shared(spec)
            costs(spec)
        except SpecError as error:
            raise SpecError(f"{ablation.name}/{name}: {error}") from None
    check_metrics(metrics, next(iter(specs.values())).data.info.classes)
    shared = {"ablation": declared} | ({"metrics": facts_of(metrics)} if metrics else {})
    context = {name: {**shared, **costs(spec)} for name, spec in specs.items()}
    seeds = range(rounds.most) if rounds else seeds
    chosen = range(ablation.profiles[profile].seeds) if seeds is None else seeds
    return [
        Job(
            ablation=ablation.name,
            variant=name,
            profile=profile,
            spec=dataclasses.replace(spec, seed=seed),
            context=context[name],
            out=out,
            data_dir=data_dir,
            wandb=wandb,
            signals=seed == chosen[0],
            metrics=tuple(metrics),
            file=ablation.file,
        )
        for seed in chosen
        for name, spec in specs.items()
    ]


def declaration(
    ablation: Ablation, profile: str, overrides: Overrides | None = None, rounds: Rounds | None = None
) -> dict[str, Any]:
    """What the analysis must know about the ablation.

    levels: for each variant {first path of a factor: its value}. steps: a ladder's, None for its first variant.
    failure_error: None unless protocol and data set are the paper's. looks: where seeds are added in rounds.
    """
    variants = ablation.variants_of(profile)
    as_published = profile == "paper" and (overrides is None or overrides.dataset in (None, ablation.base.data.name))
    return {
        "name": ablation.name,
        "question": ablation.question,
        "kind": ablation.kind,
        "factors": list(ablation.paths),
        "baseline": ablation.baseline_of(profile),
        "variants": [variant.name for variant in variants],
        "labels": [variant.label for variant in variants],
        "levels": ablation.levels(profile, overrides),
        "steps": [variant.factor for variant in variants] if ablation.kind == "ladder" else None,
        "published": ablation.published,
        "paper_net": ablation.paper_net,
        "failure_error": ablation.failure_error if as_published else None,
        "target_train_error": ablation.target_train_error,
        "fixed": list(ablation.fixed),
        "deviations": [
            {"what": deviation.what, "paper": deviation.paper, "ours": deviation.ours}
            for deviation in ablation.deviations_of(profile, overrides)
        ],
        **({"looks": list(rounds.looks)} if rounds else {}),
    }


def check_files(jobs: Sequence[Job]) -> None:
    """Raise SpecError, one line, if runs of the plan were trained with another version of the user's own file."""
    for job in jobs:
        check_unchanged(job.folder, job.file)


def default_profile(ablation: Ablation, device: str) -> str:
    """quick on a CUDA GPU, else smoke; the first of the ablation's profiles where it lacks that one.

    Never paper where there is another: nobody's first command should begin days of training.
    """
    wanted = "quick" if device == "cuda" else "smoke"
    return wanted if wanted in ablation.profiles else next(iter(ablation.profiles))


def check_writable(folder: Path) -> None:
    """Raise SpecError, one line, if `folder` cannot be created or written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SpecError(f"cannot write in {folder} ({error.strerror}); choose another folder with --out") from None


def costs(spec: RunSpec) -> Mapping[str, int]:
    """Parameters, and multiply-adds for one image of the size that the net sees.

    Raises SpecError, one line, for a net that cannot be built or cannot take such images.
    """
    parameters, layers = _traced(spec)
    return {"parameters": parameters, "multiply_adds": sum(layer.multiply_adds for layer in layers)}


def activation_values(spec: RunSpec) -> int:
    """Values in all layers' outputs for one image, which training keeps until the backward pass."""
    return sum(math.prod(layer.out_shape) for layer in _traced(spec)[1])


def layers(spec: RunSpec) -> int:
    """How many layers an image passes through: convolutions, norms, activations, ..."""
    return len(_traced(spec)[1])


def _traced(spec: RunSpec) -> tuple[int, tuple[cost.LayerCost, ...]]:
    classes = IMAGENET_CLASSES if lacks_images(spec) else spec.data.info.classes
    options = {"num_classes": classes, "in_channels": spec.data.shape[0], **spec.net.options}
    key = (spec.net.name, tuple(options.items()), spec.input_shape)
    try:
        try:
            return _trace(*key, "meta")  # shapes only: no weights are created
        except (RuntimeError, ValueError):  # a net of the user's own may depend on values
            return _trace(*key, "cpu")
    except ValueError as error:
        raise SpecError(f"{spec.net.name}: {error}") from None
    except Exception as error:  # whatever the code of a net raises
        size = "x".join(map(str, spec.input_shape))
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise SpecError(f"{spec.net.name} cannot take images of {size} ({spec.data.name}): {reason}") from None


@functools.cache
def _trace(
    name: str, options: tuple[tuple[str, Any], ...], shape: tuple[int, int, int], device: str
) -> tuple[int, tuple[cost.LayerCost, ...]]:
    """Parameters, with those of auxiliary heads, and the layers of an evaluation pass."""
    with torch.device(device):
        net = nets.build(name, **dict(options))
        return cost.parameters(net), tuple(cost.trace(net, shape, device))
