"""One planned run: what is trained, where its folder is, and how it is logged."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from experiments.loading import AS_FITS, Loading
from experiments.spec import RunSpec
from experiments.user_file import UserFile

Mode = Literal["offline", "online", "disabled"]


@dataclass(frozen=True)
class Destination:
    """Where logs go on a W&B server, and what the user adds to them.

    entity: None for the account's own. project: None for the ablation's name. artifacts: also store checkpoints,
    tables, figures and the report.
    """

    entity: str | None = None
    project: str | None = None
    tags: tuple[str, ...] = ()
    notes: str = ""
    artifacts: bool = False


@dataclass(frozen=True)
class Job:
    """One run as planned.

    context: added to the spec in the W&B config, so that the analysis needs nothing else. signals: also log the sizes
    of activations and gradients unit by unit (`experiments.training.signals`), which changes no result. metrics: what
    else is measured on the test set (`experiments.training.metrics`), likewise. checkpoint_minutes: between
    checkpoints within an epoch. file: the user's own file that the process of the run must import. loading: how images
    reach the run, which changes no result either.
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
    destination: Destination = Destination()
    checkpoint_minutes: float = 10.0
    file: UserFile | None = None
    loading: Loading = AS_FITS

    @property
    def study(self) -> Path:
        """The folder of the ablation's runs; W&B's logs are in its folder `wandb`."""
        return self.out / self.ablation

    @property
    def folder(self) -> Path:
        return self.study / self.variant / f"seed{self.spec.seed}-{self.spec.hash8}"

    @property
    def name(self) -> str:
        return f"{self.variant}-s{self.spec.seed}"

    @property
    def log_id(self) -> str:
        """The run's id in W&B: readable, and unique among the runs of all ablations in one project."""
        unique = hashlib.blake2b(f"{self.ablation}/{self.spec.run_id}".encode(), digest_size=4).hexdigest()
        return f"{self.name}-{unique}"

    @property
    def checkpoint_s(self) -> float:
        return 60 * self.checkpoint_minutes
