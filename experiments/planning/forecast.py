"""What a whole profile will take on this machine: the baseline timed, the other variants by their multiply-adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from experiments.ablation import Ablation, Overrides
from experiments.overrides import images_of, lacks_images
from experiments.planning import concurrency, estimate
from experiments.planning.job import Job
from experiments.planning.plan import costs
from experiments.spec import DataSpec, RunSpec
from experiments.terminal.duration import duration

IMAGENET_TEST = 50_000


def forecast(ablation: Ablation, profile: str, device: str) -> float:
    """Seconds of all runs of a profile, every seed; ImageNet need not be there. The baseline is timed for two steps."""
    specs = ablation.specs(profile, Overrides(device=device))
    base = specs[ablation.baseline_of(profile)]
    image_s = seconds_per_image(base)
    macs = {name: costs(spec)["multiply_adds"] for name, spec in specs.items()}
    own = macs[ablation.baseline_of(profile)]
    total = sum(run_seconds(spec, image_s * macs[name] / own) for name, spec in specs.items())
    runs = list(specs.values()) * ablation.profiles[profile].seeds
    together = concurrency.that_fit(runs, concurrency.free_memory(), concurrency.cores()) if device == "cpu" else 1
    return total * ablation.profiles[profile].seeds / together


def of_jobs(jobs: Sequence[Job], baseline: str) -> float:
    """Seconds of a plan, one run after the other."""
    base = next((job for job in jobs if job.variant == baseline), jobs[0])
    image_s = estimate.seconds_per_image(base.spec)
    own = _macs(base.context)
    return sum(run_seconds(job.spec, image_s * _macs(job.context) / own) for job in jobs)


def paper_cost(ablation: Ablation, profile: str) -> str:
    """Two sentences for a machine without a GPU: what it runs instead of the paper's protocol, and why."""
    base = ablation.specs("paper")[ablation.baseline_of("paper")]
    data = "ImageNet" if lacks_images(base) else base.data.name
    runs = len(ablation.variants_of("paper")) * ablation.profiles["paper"].seeds
    return (
        f"No GPU: profile {profile}. The paper's protocol (--profile paper: {runs} runs of {base.net.name} on {data}) "
        f"would take about {duration(forecast(ablation, 'paper', 'cpu'))} here."
    )


def seconds_per_image(spec: RunSpec) -> float:
    """Timed on as few images as a large net allows; random pixels stand for ImageNet's."""
    if lacks_images(spec):
        spec = replace(spec, data=DataSpec("cifar10", image_size=spec.data.image_size))
    macs = costs(spec)["multiply_adds"]
    return estimate.seconds_per_image(spec, steps=1, batch=2 if macs > 3e8 else 8 if macs > 3e7 else 32)


def run_seconds(spec: RunSpec, image_s: float) -> float:
    if not lacks_images(spec):
        return estimate.run_seconds(spec, image_s)
    trained = spec.recipe.iterations * spec.recipe.batch_size
    views = 10 if spec.recipe.test_crops == "ten" else 1
    tested = trained / images_of(spec) * IMAGENET_TEST * views * estimate.TEST_PASS
    return image_s * (trained + tested)


def _macs(context: Mapping[str, Any]) -> int:
    return context["multiply_adds"]
