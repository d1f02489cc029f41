"""One planned run: what is trained, where its folder is, and how it is logged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from experiments.spec import RunSpec

Mode = Literal["offline", "online", "disabled"]


@dataclass(frozen=True)
class Job:
    """One run as planned.

    context: added to the spec in the W&B config, so that the analysis needs nothing else. signals: also log the sizes
    of activations and gradients unit by unit (`experiments.training.signals`), which changes no result. metrics: what
    else is measured on the test set (`experiments.training.metrics`), likewise.
    """

    ablation: str
    variant: str
    profile: str
    spec: RunSpec
    context: dict[str, Any]
    out: Path
    data_dir: Path | None
    wandb: Mode
    signals: bool = False
    metrics: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return self.out / self.ablation / self.variant / f"seed{self.spec.seed}-{self.spec.hash8}"

    @property
    def name(self) -> str:
        return f"{self.variant}-s{self.spec.seed}"
