"""W&B logs, from a folder of offline runs or from a server, as two tidy frames: runs and history."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from os import PathLike
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from analysis.logs import columns, wandb_file, wandb_server
from analysis.logs.fragment import Fragment, LogsError
from analysis.schema import REPORT, Outcome, renamed

__all__ = ["LogsError", "load"]

RUN_COLUMNS = (
    "run_id",
    "ablation",
    "variant",
    "profile",
    "name",
    "seed",
    "tags",
    "outcome",
    "started",
    "fragments",
    "epochs",
    "source",
    "damage",
)
OUTCOMES = get_args(Outcome)


def load(
    source: str | PathLike[str],
    profile: str | None = None,
    run_ids: Collection[str] | None = None,
    ablation: str | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`runs` with one row a run and `history` with one row a run and epoch.

    source: a folder that is searched for `*.wandb` files at any depth, one such file, or `entity/project` on a W&B
    server; a path that exists wins. profile, run_ids, ablation: keep these runs only. In older logs two
    ablations that share a run share its id: name the one that is wanted.

    runs: `run_id`, `ablation` (as declared, else the W&B project), `variant` (group), `profile` (job type), `name`,
    `seed`, `tags`, `outcome`, `started` (UTC), `fragments`, `epochs`, `source`, `damage`, then `config.*` and
    `summary.*` flattened with dots. outcome: "finished" or "diverged" as the run itself put it in its summary,
    "crashed" for an exit code other than 0, "unfinished" without an exit record (still running, or killed).
    Summaries of a study (job type "report") are left out.
    history: `run_id`, `variant`, `seed`, `epoch` and every logged metric; log calls without an epoch are left out.

    A run that was killed and resumed is one fragment for each process under one id. They are merged in the order
    of their starts: the newest row of an epoch wins, and the newest fragment says how the run ended.

    Damage never raises: the column `damage` lists what is wrong with which file and byte, and what can be read is
    there. Raises `LogsError` where there is no run at all to be read, or none that passes the filters.
    """
    wanted_ids = None if run_ids is None else set(run_ids)

    def wanted(run_id: str, job_type: str) -> bool:
        return (wanted_ids is None or run_id in wanted_ids) and profile in (None, job_type) and job_type != REPORT

    if _is_remote(source):
        fragments = list(wandb_server.read(str(source), wanted))
    else:
        fragments = [wandb_file.read(path) for path in _wandb_files(Path(source))]
    by_run = _by_run(fragments)
    merged = [run for run in map(_merge, by_run) if wanted(run["run_id"], run["profile"])]
    merged = [run for run in merged if ablation in (None, run["ablation"])]
    if not merged:
        filters = [f"profile {profile!r}"] if profile is not None else []
        filters += [f"one of {len(wanted_ids)} run ids"] if wanted_ids is not None else []
        filters += [f"ablation {ablation!r}"] if ablation is not None else []
        profiles = ", ".join(sorted({fragment.job_type for fragment in fragments} - {""}))
        known = f"; profiles there: {profiles}" if profiles else ""
        if ablation is not None:
            known += f"; ablations there: {', '.join(sorted({f.project for f in fragments} - {''})) or 'none named'}"
        raise LogsError(f"no run{' with ' if filters else ''}{' and '.join(filters)} in {source}{known}")
    merged.sort(key=_order)
    return _runs(merged), _history(merged)


def _is_remote(source: str | PathLike[str]) -> bool:
    """`entity/project`, unless it is a path: one that exists, or one in a folder that exists (mistyped)."""
    if not isinstance(source, str) or not re.fullmatch(r"\w[\w.-]*/[^/\\#?%:]+", source):
        return False
    return not Path(source).exists() and not Path(source).parent.exists()


def _wandb_files(source: Path) -> list[Path]:
    if not source.exists():
        raise LogsError(
            f"no folder or file {source}; give the folder that holds the runs, a .wandb file, or entity/project"
        )
    if source.is_file():
        if source.suffix != ".wandb":
            raise LogsError(f"{source} is no W&B log; give a .wandb file or the folder that holds the runs")
        return [source]
    paths = sorted(path for path in source.rglob("*.wandb") if not path.is_dir())
    if not paths:
        raise LogsError(
            f"no W&B log (*.wandb) in {source} or a folder below it; give the folder that holds the runs, "
            "or train some first"
        )
    return paths


def _by_run(fragments: Iterable[Fragment]) -> list[list[Fragment]]:
    """Fragments of equal id and project, which W&B's ids are unique in; a lost project is that of the id."""
    by_id: dict[str, dict[str, list[Fragment]]] = defaultdict(lambda: defaultdict(list))
    for fragment in fragments:
        by_id[fragment.run_id][fragment.project].append(fragment)
    for by_project in by_id.values():
        if "" in by_project and len(by_project) == 2:
            lost = by_project.pop("")
            next(iter(by_project.values())).extend(lost)
    return [group for by_project in by_id.values() for group in by_project.values()]


def _merge(fragments: list[Fragment]) -> dict[str, Any]:
    """One run from its fragments; the columns of its epochs stand under "rows"."""
    never = pd.Timestamp.min.tz_localize("UTC")
    fragments = sorted(fragments, key=lambda fragment: (fragment.started or never, fragment.source))
    newest = fragments[-1]
    described = next((fragment for fragment in reversed(fragments) if fragment.project), newest)
    config: dict[str, Any] = {}
    for fragment in fragments:
        config |= renamed(fragment.config)
    rows = columns.newest([fragment.epochs for fragment in fragments])
    return {
        "run_id": newest.run_id,
        "ablation": config.get("ablation.name") or described.project,
        "variant": described.group,
        "profile": described.job_type,
        "name": described.name,
        "seed": _seed(config),
        "tags": described.tags,
        "outcome": _outcome(newest),
        "started": next((fragment.started for fragment in fragments if fragment.started), None),
        "fragments": len(fragments),
        "epochs": len(rows["epoch"]),
        "source": newest.source,
        "damage": [damage for fragment in fragments for damage in fragment.damage],
        "config": config,
        "summary": newest.summary,
        "rows": rows,
    }


def _outcome(newest: Fragment) -> str:
    if newest.exit_code is None:
        return "unfinished"
    stated = newest.summary.get("outcome")
    if stated in OUTCOMES:
        return str(stated)
    return "crashed" if newest.exit_code else "finished"


def _seed(config: dict[str, Any]) -> int | None:
    seed = config.get("seed")
    return seed if isinstance(seed, int) else None


def _order(run: dict[str, Any]) -> tuple[Any, ...]:
    seed = run["seed"]
    return run["ablation"], run["variant"], seed is None, seed or 0, run["profile"], run["run_id"]


def _runs(merged: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame([{column: run[column] for column in RUN_COLUMNS} for run in merged])
    frame["started"] = pd.to_datetime(frame["started"], utc=True)
    frame["seed"] = frame["seed"].astype("Int64")
    rest = pd.DataFrame(
        [
            {f"{part}.{key}": value for part in ("config", "summary") for key, value in run[part].items()}
            for run in merged
        ],
        index=frame.index,
    )
    return pd.concat([frame, rest[sorted(rest)]], axis=1)


def _history(merged: list[dict[str, Any]]) -> pd.DataFrame:
    of_epoch = np.repeat(np.arange(len(merged)), [run["epochs"] for run in merged])
    seeds = pd.array([run["seed"] for run in merged], dtype="Int64")
    of_run = {"run_id": _texts(merged, "run_id"), "variant": _texts(merged, "variant"), "seed": seeds}
    first = {key: values.take(of_epoch) for key, values in of_run.items()}
    return columns.frame([run["rows"] for run in merged], first)


def _texts(merged: list[dict[str, Any]], key: str) -> Any:
    return pd.Series([run[key] for run in merged]).array
