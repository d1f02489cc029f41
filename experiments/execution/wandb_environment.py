"""What the user tells W&B on the command line and in the environment: respected, named, or refused before training."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, get_args

from experiments.planning.job import Destination, Job, Mode

if TYPE_CHECKING:
    from wandb import Settings

# Under these the client replaces the id and the project of every run, which mixes the variants up.
REFUSED = {
    "WANDB_SWEEP_ID": "`wandb agent`",
    "WANDB_LAUNCH": "`wandb launch`",
}
# Variables without effect here -> why.
WITHOUT_EFFECT = {
    "WANDB_DIR": "logs are kept in the study's folder, where the analysis looks for them"
} | dict.fromkeys(
    ("WANDB_NAME", "WANDB_RUN_ID", "WANDB_RUN_GROUP", "WANDB_JOB_TYPE", "WANDB_RESUME"),
    "every run of a study gets its own from the variant and the seed",
)
OLD_MODES: dict[str, Mode] = {"dryrun": "offline", "run": "online"}


class TrackingError(Exception):
    """W&B cannot be used as asked: one line that says why and what to do."""


class Asked(Protocol):
    """The command line's words; None: not given."""

    wandb: Mode | None
    wandb_entity: str | None
    wandb_project: str | None
    wandb_artifacts: bool


def destination(asked: Asked, environment: Mapping[str, str] = os.environ) -> tuple[Mode, Destination]:
    """The mode and the destination, from the command line and the environment.

    The command line wins over the environment, except that it cannot contradict WANDB_MODE: what a machine's settings
    keep from being uploaded is not uploaded. Raises TrackingError.
    """
    for variable, command in REFUSED.items():
        if environment.get(variable):
            raise TrackingError(
                f"{variable} is set: under {command} W&B replaces the id and the project of every run; "
                f"start this command without it, since it already trains every variant and seed"
            )
    tags = environment.get("WANDB_TAGS", "").split(",")
    return _mode(asked.wandb, environment.get("WANDB_MODE") or None), Destination(
        entity=asked.wandb_entity or environment.get("WANDB_ENTITY") or None,
        project=asked.wandb_project or environment.get("WANDB_PROJECT") or None,
        tags=tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip())),
        notes=environment.get("WANDB_NOTES", ""),
        artifacts=asked.wandb_artifacts,
    )


def addressed(jobs: Sequence[Job], asked: Asked) -> list[Job]:
    """The jobs with their mode and destination. Raises TrackingError."""
    mode, where = destination(asked)
    return [replace(job, wandb=mode, destination=where) for job in jobs]


def _mode(asked: Mode | None, variable: str | None) -> Mode:
    if not variable:
        return asked or "offline"
    modes: dict[str, Mode] = {mode: mode for mode in get_args(Mode)} | OLD_MODES
    if variable not in modes:
        raise TrackingError(f"WANDB_MODE={variable} is not supported; use one of {', '.join(get_args(Mode))}")
    if asked not in (None, modes[variable]):
        raise TrackingError(f"--wandb {asked} contradicts WANDB_MODE={variable}; change or unset one of them")
    return modes[variable]


def without_effect(environment: Mapping[str, str] = os.environ) -> list[str]:
    """A line for every variable that is set and has no effect."""
    return [f"{variable} has no effect: {why}" for variable, why in WITHOUT_EFFECT.items() if environment.get(variable)]


def client_settings() -> Settings:
    """The client's settings from its files and the environment; it starts the client's process.

    Raises TrackingError for a setting that the client rejects.
    """
    import wandb
    from pydantic import ValidationError

    try:
        return wandb.setup(wandb.Settings(silent=True)).settings
    except ValidationError as error:
        found: Any = error.errors()[0]
        setting = ".".join(map(str, found["loc"]))
        raise TrackingError(f"W&B rejects the setting {setting} = {found['input']!r}: {found['msg']}") from None
    except (wandb.errors.Error, ValueError) as error:
        raise TrackingError(f"W&B rejects its settings: {first_line(error)}") from None


def first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
