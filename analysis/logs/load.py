"""W&B logs, from a folder of offline runs or from a server, as two tidy frames: runs and history."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable
from os import PathLike
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from analysis.logs import columns, wandb_file, wandb_server
from analysis.logs.columns import NUMBERS, as_number, shown
from analysis.logs.fragment import Fragment, LogsError
from analysis.logs.search import remote, wandb_files
from analysis.schema import REPORT, Outcome, metric_of, renamed

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
    "not_finite",
)
OUTCOMES = get_args(Outcome)
NUMERIC_SETTINGS = ("parameters", "multiply_adds", "recipe.iterations")


def load(
    source: str | PathLike[str],
    profile: str | None = None,
    run_ids: Collection[str] | None = None,
    ablation: str | None = None,
    step: str = "epoch",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`runs` with one row per run and `history` with one row per run and epoch.

    source: a folder that is searched for `*.wandb` files at any depth, one such file, `entity/project` on a W&B server,
    or the address of a project's page; a path that exists wins. profile, run_ids, ablation: keep these runs only; in
    older logs two ablations that share a run share its id. step: the logged key that counts the epochs; "_step" is
    W&B's count of log calls. A study's own run, of job type "report", is left out.

    runs: `run_id`, `ablation` (as declared, else the W&B project), `variant` (group), `profile` (job type), `name`,
    `seed`, `tags`, `outcome`, `started` (UTC), `fragments`, `epochs`, `source`, `damage`, `not_finite` (keys of the
    summary), then `config.*` and `summary.*` flattened with dots. outcome: "finished" or "diverged" as the run itself
    put it in its summary, "crashed" for an exit code other than 0, "unfinished" without an exit record (still running,
    or killed), "unreadable" where the log does not say which run it is of; such a run passes every filter.
    history: `run_id`, `variant`, `seed`, `epoch` and every logged metric. Several log calls for one epoch are one row.
    The epoch of a log call without one is <NA>, behind the run's other rows.

    A run that was killed and resumed is one fragment per process under one id. They are merged in the order of their
    starts: of each epoch and metric the newest value wins, and the newest fragment says how the run ended. Of copies of
    one fragment the most complete one is the newest.

    Damage never raises: the column `damage` lists what is wrong with which file and byte, and what can be read is
    there. Raises `LogsError` where there is no run at all to be read, or none that passes the filters.
    """
    wanted_ids = None if run_ids is None else set(run_ids)

    def wanted(run_id: str, job_type: str) -> bool:
        return (wanted_ids is None or run_id in wanted_ids) and profile in (None, job_type) and job_type != REPORT

    def kept(run: dict[str, Any]) -> bool:
        if run["outcome"] == "unreadable":
            return True
        return wanted(run["run_id"], run["profile"]) and ablation in (None, run["ablation"])

    if (project := remote(source)) is not None:
        fragments = list(wandb_server.read(*project, wanted, step))
    else:
        fragments = [wandb_file.read(path, step) for path in wandb_files(Path(source))]
    every = [_merge(group, step) for group in _by_run(fragments)]
    merged = [run for run in every if kept(run)]
    filters = [f"profile {profile!r}"] if profile is not None else []
    filters += [f"one of {len(wanted_ids)} run ids"] if wanted_ids is not None else []
    filters += [f"ablation {ablation!r}"] if ablation is not None else []
    if not merged or (filters and all(run["outcome"] == "unreadable" for run in merged)):
        profiles = ", ".join(sorted({fragment.job_type for fragment in fragments} - {""}))
        known = f"; profiles there: {profiles}" if profiles else ""
        if ablation is not None:
            known += f"; ablations there: {', '.join(sorted({f.project for f in fragments} - {''})) or 'none named'}"
        raise LogsError(f"no run{' with ' if filters else ''}{' and '.join(filters)} in {source}{known}")
    merged.sort(key=_order)
    return _runs(merged), _history(merged)


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


def _merge(fragments: list[Fragment], step: str) -> dict[str, Any]:
    """One run from its fragments; the columns of its epochs are under "rows"."""
    fragments = sorted(fragments, key=_age)
    newest = fragments[-1]
    described = next((fragment for fragment in reversed(fragments) if fragment.project), newest)
    config: dict[str, Any] = {}
    for fragment in fragments:
        config |= renamed(fragment.config)
    if step == "_step":
        _continue_steps(fragments)
    parts = [{metric_of(key): values for key, values in fragment.epochs.items()} for fragment in fragments]
    rows = columns.newest(parts)
    damage = [damage for fragment in fragments for damage in fragment.damage]
    return {
        "run_id": newest.run_id,
        "ablation": named if isinstance(named := config.get("ablation.name"), str) and named else described.project,
        "variant": described.group,
        "profile": described.job_type,
        "name": described.name,
        "seed": whole(config.get("seed")),
        "tags": described.tags,
        "outcome": _outcome(newest) if any(fragment.described for fragment in fragments) else "unreadable",
        "started": next((fragment.started for fragment in fragments if fragment.started), None),
        "fragments": len(fragments),
        "epochs": int((rows["epoch"] != columns.NO_EPOCH).sum()),
        "source": newest.source,
        "damage": damage,
        "not_finite": [key for key, value in newest.summary.items() if _not_finite(value)],
        "config": _numbers(config, NUMERIC_SETTINGS, "config", damage),
        "summary": _numbers(
            {metric_of(key): value for key, value in newest.summary.items()}, NUMBERS, "summary", damage
        ),
        "rows": rows,
    }


def _age(fragment: Fragment) -> tuple[Any, ...]:
    """By their start; copies of one, by how much of it they hold."""
    never = pd.Timestamp.min.tz_localize("UTC")
    whole = fragment.exit_code is not None, len(fragment.epochs["epoch"]), not fragment.damage
    return fragment.started or never, *whole, fragment.source


def _continue_steps(fragments: list[Fragment]) -> None:
    """W&B counts a resumed offline run's log calls from 0 again: count on from the process before.

    Copies of one fragment start alike and keep their steps.
    """
    end, before = -1, None
    for fragment in fragments:
        steps = fragment.epochs["epoch"]
        numbered = steps[steps != columns.NO_EPOCH]
        if len(numbered) == 0:
            continue
        copy = before is not None and fragment.started == before
        if not copy and numbered.min() <= end:
            steps[steps != columns.NO_EPOCH] += end + 1 - numbered.min()
        end = max(end, int(steps[steps != columns.NO_EPOCH].max()))
        before = fragment.started


def _outcome(newest: Fragment) -> str:
    if newest.exit_code is None:
        return "unfinished"
    stated = newest.summary.get("outcome")
    if isinstance(stated, str) and stated in OUTCOMES:
        return stated
    return "crashed" if newest.exit_code else "finished"


def whole(value: Any) -> int | None:
    """A seed as a number: 3, 3.0 and "3"; None for anything else."""
    if isinstance(value, str) and value.strip().lstrip("+-").isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= 2**63:
        return None
    return int(value) if float(value).is_integer() else None


def _not_finite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _numbers(values: dict[str, Any], keys: tuple[str, ...], part: str, damage: list[str]) -> dict[str, Any]:
    """The values without those that should be numbers and are not, which are named in `damage`."""
    wrong = {
        key: value
        for key, value in values.items()
        if key.startswith(keys) and value is not None and as_number(value) is None
    }
    damage += [f"{key} in the {part} is not a number but {shown(value)}" for key, value in wrong.items()]
    return {key: value for key, value in values.items() if key not in wrong}


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
    of_epoch = np.repeat(np.arange(len(merged)), [len(run["rows"]["epoch"]) for run in merged])
    seeds = pd.array([run["seed"] for run in merged], dtype="Int64")
    of_run = {"run_id": _texts(merged, "run_id"), "variant": _texts(merged, "variant"), "seed": seeds}
    first = {key: values.take(of_epoch) for key, values in of_run.items()}
    return columns.frame([run["rows"] for run in merged], first)


def _texts(merged: list[dict[str, Any]], key: str) -> Any:
    return pd.Series([run[key] for run in merged]).array
