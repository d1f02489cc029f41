"""Runs on a W&B server, read in full: `scan_history()` without keys, never the sampled `history()`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.logs import server_cache
from analysis.logs.columns import columns
from analysis.logs.fragment import Fragment, LogsError, flatten

if TYPE_CHECKING:
    from wandb import Settings
    from wandb.apis.public import Run

TIMEOUT_S = 20  # one request
RETRIES = 2
# JSON has no such numbers, so a server hands them out as strings.
NON_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
# "crashed" is the server's word for a run that fell silent without an exit record.
EXIT_CODES = {"finished": 0, "failed": 1, "killed": 1}


def read(project: str, host: str | None, wanted: Callable[[str, str], bool], step: str = "epoch") -> Iterator[Fragment]:
    """Every run of `entity/project` for which `wanted(run id, job type)` holds, as one fragment each.

    host: the server's address; None: the client's own setting. step: the logged key that is taken as the epoch.

    Raises `LogsError` without an API key, for an unknown project and for a server that does not answer.
    """
    try:
        import wandb

        wandb.setup(_patience())
        overrides = {} if host is None else {"base_url": host}
        api = wandb.Api(overrides, timeout=10 * (RETRIES + 1) * TIMEOUT_S)
        for run in api.runs(project, lazy=False):
            if wanted(run.id, run.job_type or ""):
                yield _fragment(run, step)
    except Exception as error:  # the client's errors have no common base
        reason = " ".join(str(error).split()).partition(" while retrying: ")[0].rstrip(".")
        raise LogsError(
            f"cannot read {project!r} from a W&B server: {reason}; give a folder with .wandb files, or an existing "
            "entity/project with WANDB_API_KEY (and WANDB_BASE_URL for a server of your own) set"
        ) from error


def _patience() -> Settings:
    """Have W&B's own process give up on a silent server long before its client would.

    A request that the client gives up can leave that process, and with it the end of ours, waiting for ever: 6 of 32
    did (wandb 0.31).
    """
    import wandb

    return wandb.Settings(
        x_graphql_timeout_seconds=TIMEOUT_S,
        x_graphql_retry_max=RETRIES,
        x_graphql_retry_wait_min_seconds=0.5,
        x_graphql_retry_wait_max_seconds=2.0,
    )


def _fragment(run: Run, step: str) -> Fragment:
    damage: list[str] = []
    stated = getattr(run, "history_line_count", None)
    identity = (run.url, run.state, stated, run.created_at)
    found = server_cache.rows_of(identity, stated if run.state in EXIT_CODES else None, run.scan_history)
    rows = [_numbers(flatten(row, damage) | _own(row)) for row in found]
    if stated is not None and len(rows) < stated:
        damage.append(f"{run.url}: {len(rows)} history rows read, the server states {stated}; read it again")
    return Fragment(
        run_id=run.id,
        source=run.url,
        project=run.project,
        group=run.group or "",
        job_type=run.job_type or "",
        name=run.name or "",
        tags=list(run.tags or []),
        started=pd.to_datetime(run.created_at, utc=True),
        exit_code=EXIT_CODES.get(run.state),
        config=_numbers(flatten(run.config, damage)),
        summary=_numbers(flatten(run.summary_metrics, damage)),
        epochs=columns(rows, step, damage),
        damage=damage,
    )


def _own(row: dict[str, Any]) -> dict[str, Any]:
    return {"_step": row["_step"]} if "_step" in row else {}


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    return {key: NON_FINITE.get(value, value) if isinstance(value, str) else value for key, value in values.items()}
